import { childPath } from "./spec.ts";

/** What this machine has to hold children back with. Paths of programs; absent: not installed, or not usable. */
export interface ChildSystem {
  readonly shell: string | undefined;
  readonly setpriv: string | undefined;
  readonly prlimit: string | undefined;
  readonly bubblewrap:
    | {
      readonly path: string;
      /** Ways in which it works here. `own_user`: we are root and can give a child a user of its own. */
      readonly ways: readonly BoxKind[];
    }
    | { readonly missing: string };
}

/** Whose files a child in a box owns: a user's of its own, or ours, seen through a user namespace. */
export type BoxKind = "own_user" | "our_user";

/** Finds out once what there is. Starts bubblewrap for a moment: installed is not the same as allowed. */
export async function findChildSystem(): Promise<ChildSystem> {
  const [shell, setpriv, prlimit, bwrap] = await Promise.all(["sh", "setpriv", "prlimit", "bwrap"].map(findProgram));
  return { shell, setpriv, prlimit, bubblewrap: await tryBubblewrap(bwrap, setpriv) };
}

/** The program `name` on {@linkcode childPath}, as a real path. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of childPath.split(":")) {
    const path = await realProgram(`${folder}/${name}`);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** The real path of a program, or `undefined` where nothing can be run. */
export async function realProgram(path: string): Promise<string | undefined> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0 ? await Deno.realPath(path) : undefined;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return undefined;
    if (thrown instanceof Deno.errors.PermissionDenied) return undefined;
    throw thrown;
  }
}

async function tryBubblewrap(
  path: string | undefined,
  setpriv: string | undefined,
): Promise<ChildSystem["bubblewrap"]> {
  if (path === undefined) return { missing: "bubblewrap is not installed" };
  const id = await findProgram("id");
  if (id === undefined) return { missing: "the program id is missing" };
  const isRoot = setpriv !== undefined && (await run(id, ["-u"])).stdout.trim() === "0";
  const kinds: readonly BoxKind[] = isRoot ? ["own_user", "our_user"] : ["our_user"];
  // With /proc, as children get it: in a container, or behind walls of systemd, that alone may be refused.
  const inside = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", id];
  const tries = await Promise.all(kinds.map((kind) => run(path, [...toBoxFlags(kind), ...inside])));
  const ways = kinds.filter((_, index) => tries[index]?.success === true);
  if (ways.length > 0) return { path, ways };
  const why = tries[0]?.stderr.trim().split("\n").at(-1) ?? "";
  return { missing: `bubblewrap is not allowed to work here (${why})` };
}

/** Namespaces of its own, and an end with whoever started it. Of root's rights only those that give up root remain. */
export function toBoxFlags(kind: BoxKind): readonly string[] {
  const own = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"];
  return [
    ...(kind === "own_user" ? own : ["--unshare-user", ...own]),
    ...["--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...(kind === "own_user"
      ? ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH"].flatMap((name) => ["--cap-add", name])
      : []),
  ];
}

async function run(command: string, args: readonly string[]) {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotCapable)) throw thrown;
    return { success: false, stdout: "", stderr: "this process was started without --allow-run" };
  }
}
