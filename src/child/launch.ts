import { fileURLToPath } from "node:url";
import { AppError } from "../core/error.ts";
import { fnv1a } from "../lib/fnv1a.ts";
import { type ChildSpec, type Confinement, toBaseEnv } from "./spec.ts";
import { type BoxKind, type ChildSystem, findProgram, realProgram, toBoxFlags } from "./system.ts";

/** A child's command line, ready to be started by a worker that may run nothing but `command`. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly confinement: Confinement;
  /** Folders that it writes: they must be there. */
  readonly ownFolders: readonly string[];
  /** A user of its own that these must belong to. */
  readonly uid: number | undefined;
}

/**
 * What to start for `spec` on this machine. From the outside in: `setpriv` ties it to the process `hostPid`, the shell
 * makes sure that this one still lives, bubblewrap takes the machine away, `setpriv` the user, `prlimit` the resources.
 *
 * @throws {AppError} `missing` for a program that is not there, `invalid` for a path that no flag can carry.
 */
export async function toLaunch(spec: ChildSpec, system: ChildSystem, hostPid: number): Promise<Launch> {
  const program = await toProgram(spec);
  const confinement = toConfinement(spec, system);
  const { bubblewrap } = system;
  const boxed = confinement.kind === "bubblewrap" && !("missing" in bubblewrap) ? bubblewrap : undefined;
  const kind = chooseBox(spec, boxed?.ways ?? []);
  const uid = kind === "own_user" ? toUid(spec.name) : undefined;
  // What Deno compiles is kept beside the state folder: what a Deno child may write must not be what it is run from.
  const cacheDir = spec.program.kind === "deno" ? `${spec.stateDir}.deno` : undefined;
  const ownFolders = [spec.stateDir, ...(cacheDir === undefined ? [] : [cacheDir])];
  const words = [
    ...tieToHost(system, hostPid),
    ...(boxed === undefined || kind === undefined
      ? []
      : [boxed.path, ...toBoxFlags(kind), ...toMounts(spec, ownFolders, program), "--"]),
    ...(uid === undefined || system.setpriv === undefined ? [] : [system.setpriv, ...dropTo(uid)]),
    ...limit(spec, system, boxed !== undefined),
    ...program,
  ];
  const [command = "", ...args] = words;
  return {
    command,
    args,
    env: { ...spec.env, ...toBaseEnv(spec.stateDir), ...(cacheDir === undefined ? {} : { DENO_DIR: cacheDir }) },
    cwd: spec.stateDir,
    confinement,
    ownFolders,
    uid,
  };
}

/** What will hold `spec` back on this machine. */
function toConfinement({ program, permissions }: ChildSpec, { bubblewrap }: ChildSystem): Confinement {
  // What a Deno child starts is held by nothing, so such a child needs the other kind of walls.
  if (program.kind === "deno" && permissions.run.length === 0) return { kind: "deno" };
  return "missing" in bubblewrap ? { kind: "unconfined", reason: bubblewrap.missing } : { kind: "bubblewrap" };
}

/** Files that it was given are those of our user: as another it could not use them. */
function chooseBox({ permissions: { read, write } }: ChildSpec, ways: readonly BoxKind[]): BoxKind | undefined {
  const wanted: BoxKind = read.length + write.length === 0 ? "own_user" : "our_user";
  return ways.find((way) => way === wanted) ?? ways[0];
}

async function toProgram(spec: ChildSpec): Promise<readonly string[]> {
  const { program } = spec;
  if (program.kind === "deno") {
    if (Deno.build.standalone) {
      const remedy = "Use the self-extracting executable, or run nexo from its sources";
      throw new AppError("missing", `Cannot start ${spec.name}: there is no Deno inside this executable. ${remedy}`);
    }
    return [await Deno.realPath(Deno.execPath()), ...toDenoFlags(spec), program.entry, ...program.args];
  }
  const { command, args } = program;
  const path = command.includes("/") ? await realProgram(command) : await findProgram(command);
  if (path === undefined) {
    throw new AppError(
      "missing",
      `Cannot start ${spec.name}: there is no program ${command}. Install it, or name its path`,
    );
  }
  return [path, ...args];
}

function toDenoFlags({ program, permissions, stateDir, readable, limits }: ChildSpec): readonly string[] {
  const imports = program.kind === "deno" ? program.imports : {};
  const { net, read, write, run } = permissions;
  return [
    "run",
    ...["--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-npm", "--no-remote"],
    `--import-map=data:application/json,${encodeURIComponent(JSON.stringify({ imports }))}`,
    `--v8-flags=--max-old-space-size=${Math.ceil(limits.memoryBytes / 1_048_576)}`,
    `--allow-read=${toList([...readable, stateDir, ...read, ...write])}`,
    `--allow-write=${toList([stateDir, ...write])}`,
    ...(net.includes("*") ? ["--allow-net"] : flag("net", net)),
    ...flag("env", permissions.env),
    ...flag("run", run),
  ];
}

function flag(name: string, values: readonly string[]): readonly string[] {
  return values.length === 0 ? [] : [`--allow-${name}=${toList(values)}`];
}

function toList(values: readonly string[]): string {
  const bad = values.find((value) => value.includes(","));
  if (bad !== undefined) throw new AppError("invalid", `A permission cannot hold a comma: ${bad}. Use another path`);
  return values.join(",");
}

/**
 * Ends the child with the thread that started it, so also with a process that was killed. A process that died before the
 * child could ask for that is noticed by the child's parent being another.
 */
function tieToHost({ setpriv, shell }: ChildSystem, hostPid: number): readonly string[] {
  if (setpriv === undefined || shell === undefined) return [];
  // Less important than we are: a child that spins takes what is left over.
  const check = '[ "$PPID" = "$0" ] || exit 125; exec nice -n 10 "$@"';
  return [setpriv, "--pdeathsig", "KILL", "--", shell, "-c", check, String(hostPid)];
}

function dropTo(uid: number): readonly string[] {
  return [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--"];
}

/** V8 reserves memory for its code before it begins, and that counts as data. */
const v8ReservedBytes = 768 * 1_048_576;

function limit({ limits, program }: ChildSpec, { prlimit }: ChildSystem, boxed: boolean): readonly string[] {
  if (prlimit === undefined) return [];
  const dataBytes = limits.memoryBytes + (program.kind === "deno" ? v8ReservedBytes : 0);
  return [
    prlimit,
    `--data=${dataBytes}`,
    `--cpu=${limits.cpuSeconds}`,
    "--core=0",
    // Elsewhere the limit would count every process of this user.
    ...(boxed ? [`--nproc=${limits.processes}`] : []),
    "--",
  ];
}

/** The part of the system that a program needs to run at all: no accounts, no keys, no home. */
const systemMounts = [
  ...["--ro-bind", "/usr", "/usr"],
  ...["/bin", "/sbin", "/lib", "/lib32", "/lib64"].flatMap((path) => ["--ro-bind-try", path, path]),
  ...["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"],
  ...["/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/certs", "/etc/ca-certificates"].flatMap(
    (path) => ["--ro-bind-try", path, path],
  ),
];
const networkMounts = [
  "--share-net",
  ...["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"].flatMap((path) => ["--ro-bind-try", path, path]),
];

function toMounts(
  { permissions, readable, stateDir, program: started }: ChildSpec,
  ownFolders: readonly string[],
  [program = ""]: readonly string[],
): readonly string[] {
  const modules = started.kind === "deno" ? toModuleFolders(started.imports) : [];
  const reads = [...readable, ...modules, ...permissions.read, ...(program.startsWith("/usr/") ? [] : [program])];
  const writes = [...ownFolders, ...permissions.write];
  return [
    ...systemMounts,
    ...(permissions.net.length === 0 ? [] : networkMounts),
    ...toParents([...reads, ...writes]).flatMap((path) => ["--perms", "0755", "--dir", path]),
    ...reads.flatMap((path) => ["--ro-bind", path, path]),
    ...writes.flatMap((path) => ["--bind", path, path]),
    ...["--remount-ro", "/", "--chdir", stateDir],
  ];
}

/** Folders with the modules that an import map names, and with what those import from beside their own folder. */
function toModuleFolders(imports: Readonly<Record<string, string>>): readonly string[] {
  const folders = Object.values(imports).map((url) => fileURLToPath(new URL("..", url)).replace(/\/$/, ""));
  return [...new Set(folders)].filter((folder) => folder !== "");
}

/** The folders that lead to `paths`, outermost first. Left to bubblewrap they would be closed to other users. */
function toParents(paths: readonly string[]): readonly string[] {
  const parents = paths.flatMap((path) => {
    const parts = path.split("/").slice(1, -1);
    return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
  });
  return [...new Set(parents)].filter((path) => path !== "/tmp" && !path.startsWith("/usr")).sort();
}

/**
 * A user of its own for a child, always the same for the same name: limits on processes count by user. Inside the 65,536
 * ids that a container has, and above those that people get. Two that share one share that limit, and no files.
 */
function toUid(name: string): number {
  return 20_000 + Number.parseInt(fnv1a(name), 16) % 40_000;
}
