/** What a child may use beyond the system's programs and its own folders. Everything else is refused where it is confined. */
export interface ChildPermissions {
  /** Hosts, with or without port; `*` alone: any. A program under bubblewrap has the whole network or none. */
  readonly net: readonly string[];
  /** Absolute paths that it may read beside {@linkcode ChildSpec.readable}. */
  readonly read: readonly string[];
  /** Absolute paths that it may write beside its state folder. They must exist. */
  readonly write: readonly string[];
  /** Names of variables that a Deno child may ask for, whether or not they are set. */
  readonly env: readonly string[];
  /** Programs that a Deno child may start. Other programs may start what the system has anyway. */
  readonly run: readonly string[];
}

/** How much of the machine one child may take. */
export interface ChildLimits {
  /** Memory of its data in each of its processes, bytes. V8 reserves about 600 MB of that before it begins. */
  readonly memoryBytes: number;
  /** Processor time of each of its processes in one life, seconds. */
  readonly cpuSeconds: number;
  /** Processes and threads at once. Holds under bubblewrap only. */
  readonly processes: number;
}

/** What runs in a child. */
export type ChildProgram =
  /** A program by path, or by name on {@linkcode childPath}. */
  | { readonly kind: "program"; readonly command: string; readonly args: readonly string[] }
  /** A module that this program's own Deno runs, with nothing fetched. `imports`: its import map. */
  | {
    readonly kind: "deno";
    readonly entry: string;
    readonly args: readonly string[];
    readonly imports: Readonly<Record<string, string>>;
  };

/** A child to start. All paths are absolute and real (no links in them). */
export interface ChildSpec {
  /** For logs: `ext.weather`, `mcp.files`. */
  readonly name: string;
  readonly program: ChildProgram;
  /** Its environment beside {@linkcode toBaseEnv}: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it starts, and may write. Must be there. */
  readonly stateDir: string;
  /** Folders with its code, which it may read. */
  readonly readable: readonly string[];
  readonly permissions: ChildPermissions;
  readonly limits: ChildLimits;
}

/** What holds a child back. */
export type Confinement =
  /** Deno's own permissions, exactly as declared. */
  | { readonly kind: "deno" }
  /** Namespaces of its own: read-only system, no other folder, no other process, no network unless declared. */
  | { readonly kind: "bubblewrap" }
  /** Nothing but limits: it can read and send whatever this user can. */
  | { readonly kind: "unconfined"; readonly reason: string };

/** How a child ended. */
export interface ChildEnd {
  /** `stopped`: because we asked. */
  readonly reason: "exited" | "killed" | "line_too_long" | "start_failed" | "stopped";
  /** A sentence for the operator, with what it last said on standard error. */
  readonly message: string;
}

/** Longest line of a child, bytes. */
export const maxLineBytes = 1_048_576;

/** Where programs are looked for, by us and by the child. */
export const childPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/** Limits that fit most programs. */
export const defaultChildLimits: ChildLimits = { memoryBytes: 1_073_741_824, cpuSeconds: 600, processes: 256 };

/** What every child's environment holds: nothing of it tells anything of this machine's user. */
export function toBaseEnv(stateDir: string): Readonly<Record<string, string>> {
  return { PATH: childPath, HOME: stateDir, TMPDIR: "/tmp", LANG: "C.UTF-8", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
}
