import { childPath } from "./spec.ts";

/** What this machine has to hold children back with. Paths of programs; absent: not installed, or not usable. */
export interface ChildSystem {
  readonly shell: string | undefined;
  readonly setpriv: string | undefined;
  readonly prlimit: string | undefined;
  readonly bubblewrap:
    | {
      readonly path: string;
      /** Runs as root, so children get a user of their own; else they keep ours, in a namespace of its own. */
      readonly asRoot: boolean;
    }
    | { readonly missing: string };
}

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
  const asRoot = setpriv !== undefined && (await run(id, ["-u"])).stdout.trim() === "0";
  if (asRoot) {
    const { success } = await run(path, [...namespaceFlags(true), "--ro-bind", "/", "/", id]);
    if (success) return { path, asRoot };
  }
  const { success, stderr } = await run(path, [...namespaceFlags(false), "--ro-bind", "/", "/", id]);
  const why = stderr.trim().split("\n").at(-1) ?? "";
  return success ? { path, asRoot: false } : { missing: `bubblewrap is not allowed to work here (${why})` };
}

/** Namespaces of its own, and an end with whoever started it. As root no user namespace: it would keep root's files. */
export function namespaceFlags(asRoot: boolean): readonly string[] {
  const own = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"];
  return [
    ...(asRoot ? own : ["--unshare-user", ...own]),
    ...["--die-with-parent", "--new-session", "--cap-drop", "ALL"],
    ...(asRoot ? ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"].flatMap((name) => ["--cap-add", name]) : []),
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
