/** A program that tests start and that no npm package brings. */
export interface SystemPackage {
  /** Name of the Debian package. */
  readonly package: string;
  /** The program whose presence on PATH proves that it is there. */
  readonly command: string;
  /** What needs it, for whoever has to install it by hand. */
  readonly why: string;
}

/** Everything that the tests need beyond Deno. */
export const systemPackages: readonly SystemPackage[] = [
  { package: "chromium", command: "chromium", why: "the console is tested in a real browser" },
  { package: "faketime", command: "faketime", why: "the process is tested with a clock that goes back" },
  { package: "dovecot-imapd", command: "dovecot", why: "mail is tested against a real server" },
  { package: "openssl", command: "openssl", why: "TLS of the bus is tested with certificates made for it" },
  { package: "nats-server", command: "nats-server", why: "the bus on NATS is tested with a real server" },
  { package: "bubblewrap", command: "bwrap", why: "programs of others are tested behind their walls" },
  { package: "python3", command: "python3", why: "extensions in Python are tested with the real one" },
  { package: "libdeflate-tools", command: "libdeflate-gzip", why: "the executable is made as small as it can be" },
  { package: "zsh", command: "zsh", why: "completions are tested in the real shell" },
  { package: "fish", command: "fish", why: "completions are tested in the real shell" },
  { package: "util-linux", command: "prlimit", why: "programs of others are tested with their limits" },
];

/** The machine that tests run on. */
export interface Machine {
  /** Debian or a relative of it, and we are root. */
  readonly canInstall: boolean;
  has(command: string): Promise<boolean>;
  /** Runs a program to its end with its output shown. Gives its exit code. */
  run(command: string, ...args: readonly string[]): Promise<number>;
}

/**
 * Brings what is missing, or says what to install.
 *
 * @throws {Error} naming every missing package where it cannot or could not be installed.
 */
export async function ensurePackages(packages: readonly SystemPackage[], machine: Machine): Promise<void> {
  const missing = await missingOf(packages, machine);
  if (missing.length === 0) return;
  const names = missing.map((item) => item.package);
  if (!machine.canInstall) throw new Error(`The tests need programs that are not installed:\n${remedyFor(missing)}`);
  await machine.run("apt-get", "update", "-q");
  await machine.run("apt-get", "install", "-y", "-q", "--no-install-recommends", ...names);
  const left = await missingOf(packages, machine);
  if (left.length > 0) throw new Error(`apt-get did not bring what the tests need:\n${remedyFor(left)}`);
}

/** The machine that this process runs on. */
export function newMachine(): Machine {
  return {
    canInstall: Deno.build.os === "linux" && Deno.uid() === 0 && isExecutable("/usr/bin/apt-get"),
    has: (command) =>
      Promise.resolve((Deno.env.get("PATH") ?? "").split(":").some((folder) => isExecutable(`${folder}/${command}`))),
    async run(command, ...args) {
      const child = new Deno.Command(command, {
        args: [...args],
        env: { DEBIAN_FRONTEND: "noninteractive" },
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
      });
      return (await child.output()).code;
    },
  };
}

async function missingOf(packages: readonly SystemPackage[], machine: Machine): Promise<SystemPackage[]> {
  const present = await Promise.all(packages.map((item) => machine.has(item.command)));
  return packages.filter((_, index) => !present[index]);
}

function remedyFor(missing: readonly SystemPackage[]): string {
  const lines = missing.map((item) => `  ${item.command}: ${item.why}`);
  const names = missing.map((item) => item.package).join(" ");
  return [...lines, `On Debian: apt-get install ${names}. Elsewhere: put them on PATH.`].join("\n");
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
