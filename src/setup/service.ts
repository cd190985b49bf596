import { resolve } from "node:path";
import { writeStarterFolder } from "../cli/starter_config.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "../cli/place.ts";
import type { Terminal } from "../cli/terminal.ts";
import { AppError, toAppError } from "../core/error.ts";
import { isThere, readTextIfThere, removeIfThere } from "../folder/files.ts";
import { toShellWord } from "../lib/shell.ts";
import { findLaunch, type Launch } from "./launch.ts";
import { formatUnit } from "./unit.ts";

/** Flags of `agent service`. */
export interface ServiceFlags extends ConfigDirFlag, DataDirFlag {
  /** A service of the user's own systemd, not the machine's. */
  readonly user: boolean;
}

/** Flags of `agent service install`. */
export interface InstallFlags extends ServiceFlags {
  readonly runAs?: string;
  readonly print: boolean;
}

const unitName = "nexo.service";
const usualUser = "nexo";

/** `agent service install`: writes the unit, starts it, and has it started with the machine. */
export async function installService(terminal: Terminal, flags: InstallFlags): Promise<number> {
  const { env } = terminal;
  const configDir = resolve(toConfigDir(flags, env));
  const dataDir = resolve(toDataDir(flags, env));
  const runAs = flags.user ? undefined : flags.runAs ?? env["SUDO_USER"] ?? (await isRoot() ? usualUser : env["USER"]);
  if (!flags.user && runAs === undefined) throw new AppError("invalid", "Say who it shall run as, by --run-as USER");
  const launch = await findLaunch(env, dataDir);
  const unit = formatUnit({
    command: [...launch.command, "run", "--config", configDir, "--data", dataDir],
    env: launch.env,
    writable: [configDir, dataDir],
    envFile: `${configDir}/service.env`,
    user: runAs,
    workingDir: dataDir,
  });
  if (flags.print) {
    terminal.print(unit);
    return 0;
  }
  if (runAs !== undefined) {
    await requireUser(runAs, dataDir);
    await requireOwner(runAs, [
      `${configDir}/secrets`,
      ...await listSecrets(configDir),
      dataDir,
      `${dataDir}/ledger.db`,
    ]);
    await requireReadable(runAs, launch);
  }
  const path = unitPath(flags, env);
  await makeDataDir(dataDir, runAs);
  // systemd starts no service that may write a folder which is not there.
  if (await writeStarterFolder(configDir)) {
    await giveTo(runAs, configDir);
    terminal.print(`There was no config: wrote one to ${configDir} to start from.\n`);
  }
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const before = await readTextIfThere(path);
  await writeUnit(path, unit);
  try {
    await systemctl(flags, "daemon-reload");
  } catch (thrown) {
    // A unit that nobody has taken looks like a service that is installed.
    await (before === undefined ? removeIfThere(path) : writeUnit(path, before));
    throw thrown;
  }
  await systemctl(flags, "enable", "--now", unitName);
  terminal.print(`Wrote ${path} and started it. How it stands: agent service status${flags.user ? " --user" : ""}\n`);
  if (flags.user) terminal.print(`To keep it while you are logged out: loginctl enable-linger\n`);
  return 0;
}

/** Whether this is the machine's administrator. Deno's own way wants a permission that nothing else needs. */
export async function isRoot(): Promise<boolean> {
  const { success, stdout } = await new Deno.Command("id", { args: ["-u"], stderr: "null" }).output();
  return success && new TextDecoder().decode(stdout).trim() === "0";
}

/** Whose unit is there: the user's own, or the machine's. */
export async function findService(env: Terminal["env"]): Promise<"user" | "machine" | undefined> {
  if (await isThere(unitPath({ user: true }, env))) return "user";
  return await isThere(unitPath({ user: false }, env)) ? "machine" : undefined;
}

/** `agent service status`: what systemd says; its exit code: 0 running, 3 not running, 4 not installed. */
export async function showService(terminal: Terminal, flags: ServiceFlags): Promise<number> {
  const { code, text } = await runSystemctl(flags, ["status", "--no-pager", "--lines=5", unitName]);
  terminal.print(text);
  return code;
}

/** `agent service uninstall`: stops it and takes the unit away. Config and data stay. */
export async function uninstallService(terminal: Terminal, flags: ServiceFlags): Promise<number> {
  const path = unitPath(flags, terminal.env);
  if (!await isThere(path)) {
    const other = flags.user ? "without --user" : "with --user";
    throw new AppError("missing", `There is no service to take away: ${path} is not there. Another one: ${other}`);
  }
  await systemctl(flags, "disable", "--now", unitName);
  await removeIfThere(path);
  await systemctl(flags, "daemon-reload");
  terminal.print(`Removed ${path}. Config and data are where they were.\n`);
  return 0;
}

function unitPath({ user }: ServiceFlags, env: Terminal["env"]): string {
  if (!user) return `/etc/systemd/system/${unitName}`;
  const config = env["XDG_CONFIG_HOME"] || `${env["HOME"] ?? ""}/.config`;
  return `${config}/systemd/user/${unitName}`;
}

async function writeUnit(path: string, unit: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, unit, { mode: 0o644 });
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    throw new AppError(
      kind,
      `Cannot write ${path}: ${message}. Run it with sudo, or add --user for a service of your own`,
    );
  }
}

/** systemd does not start a service in a folder that is not there. One that is there stays as it is. */
async function makeDataDir(path: string, owner: string | undefined): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: false, mode: 0o700 });
  } catch (thrown) {
    if (toAppError(thrown).kind === "conflict") return;
    throw thrown;
  }
  await giveTo(owner, path);
}

/** Gives what root has made to the service's user. */
async function giveTo(owner: string | undefined, path: string): Promise<void> {
  if (owner === undefined || !await isRoot()) return;
  const { success, stderr } = await new Deno.Command("chown", { args: ["-R", "--", owner, path] }).output();
  if (success) return;
  throw new AppError("denied", `Cannot give ${path} to ${owner}: ${new TextDecoder().decode(stderr).trim()}`);
}

/** What the service starts must be its user's to read. What root has in a home of its own is not. */
async function requireReadable(user: string, { command, env }: Launch): Promise<void> {
  if (!await isRoot()) return;
  for (const path of [...command, env["DENO_DIR"] ?? ""].filter((word) => word.startsWith("/"))) {
    const args = ["--user", user, "--", "test", "-r", path];
    const { success } = await new Deno.Command("runuser", { args, stdout: "null", stderr: "null" }).output();
    if (success) continue;
    const remedy = "Put the program where everyone may read it, such as /usr/local/bin, and start it from there";
    throw new AppError("denied", `${user} cannot read ${path}, which the service needs. ${remedy}`);
  }
}

async function requireUser(name: string, dataDir: string): Promise<void> {
  const { success } = await new Deno.Command("id", { args: ["--user", "--", name], stdout: "null", stderr: "null" })
    .output();
  if (success) return;
  throw new AppError(
    "missing",
    `There is no user ${name} to run as. Make it: useradd --system --home-dir ${
      toShellWord(dataDir)
    } ${name}; or name another: --run-as`,
  );
}

/** What only its owner may read must be the service's. */
async function requireOwner(user: string, paths: readonly string[]): Promise<void> {
  const { stdout } = await new Deno.Command("id", { args: ["-u", "--", user] }).output();
  const wanted = Number(new TextDecoder().decode(stdout).trim());
  for (const path of paths) {
    if (!await isThere(path) || (await Deno.stat(path)).uid === wanted) continue;
    const folders = [...new Set(paths.map((one) => one.replace(/\/(?:secrets(?:\/.*)?|ledger\.db)$/, "")))];
    throw new AppError(
      "denied",
      `${path} is not ${user}'s, who could not read it. Give it away: chown -R ${user}: ${
        folders.map(toShellWord).join(" ")
      }`,
    );
  }
}

async function listSecrets(configDir: string): Promise<readonly string[]> {
  const folder = `${configDir}/secrets`;
  if (!await isThere(folder)) return [];
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => `${folder}/${name}`);
}

async function systemctl(flags: ServiceFlags, ...args: readonly string[]): Promise<void> {
  const { code, text } = await runSystemctl(flags, args);
  if (code === 0) return;
  throw new AppError("unavailable", `systemctl ${args.join(" ")} failed with ${code}: ${text.trim()}`);
}

async function runSystemctl({ user }: ServiceFlags, args: readonly string[]) {
  try {
    const all = [...user ? ["--user"] : [], ...args];
    const { code, stdout, stderr } = await new Deno.Command("systemctl", { args: all, stdin: "null" }).output();
    const decoder = new TextDecoder();
    const text = decoder.decode(stdout) + decoder.decode(stderr);
    if (code !== 0 && noSystemd.test(text)) throw newNoSystemdError(` (${text.trim().split("\n").at(-1)})`);
    return { code, text };
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
    throw newNoSystemdError("");
  }
}

/** What systemctl says where it is, and systemd does not run: in a container, or as a user without a session. */
const noSystemd = /not been booted with systemd|Failed to connect to (?:system scope |user scope )?bus/;

function newNoSystemdError(detail: string): AppError {
  return new AppError(
    "unavailable",
    `systemd does not run here${detail}. What to run by other means: the line ExecStart of agent service install --print`,
  );
}
