// deno-lint-ignore-file no-console -- a command that reports to its terminal
/** Which floor each folder stands on, lowest first (ARCHITECTURE.md, "Floors"). */
export const floors: readonly (readonly string[])[] = [
  ["src/lib"],
  ["src/core"],
  ["src/child", "src/config", "src/folder", "src/ledger", "src/resilience", "src/sdk"],
  [
    "src/agent",
    "src/backup",
    "src/broker",
    "src/dreaming",
    "src/extensions",
    "src/llm",
    "src/mcp",
    "src/memory",
    "src/plugins",
    "src/secrets",
    "src/taskflow",
    "src/telemetry",
    "src/tools",
    "src/tunnel",
    "src/workspace",
  ],
  ["src/http"],
  ["src/app"],
  ["src/cli"],
  ["src/setup"],
  ["main.ts", "src/mod.ts"],
];

const floorNames = ["ground", "words", "papers", "rooms", "desk", "keys", "doors", "porch", "street"] as const;
const appFloor = 5;
const pluginMayImport: readonly string[] = ["src/lib", "src/core", "src/sdk"];
/** What the console, which runs in a browser, may know of the process: words, and the shapes of the admin API. */
const consoleMayImport: readonly string[] = ["src/lib", "src/core"];
const adminApi = /^src\/http\/(?:\w+_)?api\.ts$/;
const sourceFolders: readonly string[] = ["src", "plugins", "console"];
/** Packages that the two lowest floors may use; the floors above are free. */
const packagesOf: readonly (readonly string[])[] = [[], ["zod"]];

/** What each file of the project imports: project files as paths from the root, packages as `npm:name@version`. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * Reads the imports of `main.ts`, `src` and `plugins` below `root`: static, dynamic and type-only ones alike.
 *
 * @param root Absolute path of the folder with `deno.json`.
 * @throws {Error} when `deno info` fails.
 */
export async function readImports(root: string): Promise<ImportGraph> {
  const files = await listSources(root);
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(entry, files.map((path) => `import "${toFileUrl(root, path)}";\n`).join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-npm", "--no-lock", "--config", `${root}/deno.json`, entry],
      cwd: root,
    }).output();
    if (!success) throw new Error(`Cannot list imports: deno info says ${new TextDecoder().decode(stderr)}`);
    const info: DenoInfo = JSON.parse(new TextDecoder().decode(stdout));
    return toGraph(info, root, new Set(files));
  } finally {
    await Deno.remove(entry);
  }
}

/** Every import that the floors forbid and every import cycle, one sentence each. */
export function findViolations(graph: ImportGraph): string[] {
  const sideways = [...graph].flatMap(([from, imports]) =>
    imports.flatMap((to) => {
      const fault = faultOf(from, to);
      return fault === undefined ? [] : [`${from} imports ${to}: ${fault}`];
    })
  );
  return [...sideways, ...findCycles(graph).map((cycle) => `import cycle: ${cycle.join(" -> ")}`)];
}

/** The part of `deno info --json` that is read here. Type-only imports have `type` and no `code`. */
interface DenoInfo {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function listSources(root: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${root}/${folder}`)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) await walk(path);
      else if (/\.tsx?$/.test(path)) found.push(path);
    }
  };
  for await (const entry of Deno.readDir(root)) {
    if (entry.name === "main.ts") found.push("main.ts");
    else if (entry.isDirectory && sourceFolders.includes(entry.name)) await walk(entry.name);
  }
  return found.sort();
}

function toGraph(info: DenoInfo, root: string, files: ReadonlySet<string>): ImportGraph {
  const base = toFileUrl(root, "");
  const graph = new Map<string, string[]>();
  for (const module of info.modules) {
    const from = toPath(module.specifier, base);
    if (!files.has(from)) continue;
    const targets = (module.dependencies ?? []).flatMap(({ code, type }) => [code?.specifier, type?.specifier]);
    graph.set(from, [...new Set(targets.filter((to) => to !== undefined).map((to) => toPath(to, base)))]);
  }
  return graph;
}

function toFileUrl(root: string, path: string): string {
  return new URL(path, `file://${root}/`).href;
}

function toPath(specifier: string, base: string): string {
  return specifier.startsWith(base) ? decodeURIComponent(specifier.slice(base.length)) : specifier;
}

/** The place that the floors know a file by: `src/agent`, `plugins/telegram`, `main.ts`. */
function placeOf(path: string): string {
  const [top = "", second] = path.split("/");
  if (top === "console") return top;
  return second === undefined ? top : `${top}/${second}`;
}

function faultOf(from: string, to: string): string | undefined {
  const [fromPlace, toPlace] = [placeOf(from), placeOf(to)];
  const fromFloor = floors.findIndex((places) => places.includes(fromPlace));
  if (isPackage(to)) return packageFault(fromFloor, to);
  if (fromPlace === toPlace) return undefined;
  const toFloor = floors.findIndex((places) => places.includes(toPlace));
  if (fromPlace.startsWith("plugins/")) {
    if (toPlace.startsWith("plugins/")) return "plugins do not see each other";
    return pluginMayImport.includes(toPlace) ? undefined : `plugins see only ${pluginMayImport.join(", ")}`;
  }
  if (fromPlace === "console") {
    const known = consoleMayImport.includes(toPlace) || adminApi.test(to);
    return known ? undefined : `the console sees only ${consoleMayImport.join(", ")} and the shapes of the admin API`;
  }
  if (fromFloor < 0) return `${fromPlace} stands on no floor; add it to scripts/floors.ts and ARCHITECTURE.md`;
  if (toPlace.startsWith("plugins/")) {
    return fromFloor >= appFloor ? undefined : "only src/app and the floors above it know the plugins";
  }
  // The config that the program comes with is text: it imports nothing.
  if (/^config\/.*\.yaml$/.test(to)) return fromFloor >= appFloor ? undefined : "only the doors hand the config out";
  if (toFloor < 0) return `${toPlace} stands on no floor`;
  if (fromFloor === toFloor) return `floor ${fromFloor} ${floorNames[fromFloor]} do not see each other`;
  if (fromFloor < toFloor) return `floor ${fromFloor} does not see floor ${toFloor} above it`;
  return undefined;
}

function isPackage(specifier: string): boolean {
  return /^[a-z]+:/.test(specifier) && !specifier.startsWith("file:");
}

function packageFault(floor: number, specifier: string): string | undefined {
  const allowed = packagesOf[floor];
  const name = /^npm:\/?(@[^/]+\/[^@/]+|[^@/]+)/.exec(specifier)?.[1] ?? specifier;
  if (allowed === undefined || allowed.includes(name)) return undefined;
  return `floor ${floor} uses ${allowed.length === 0 ? "no package" : `no package but ${allowed.join(", ")}`}`;
}

/** One cycle for each import that closes one, found by walking depth first. */
function findCycles(graph: ImportGraph): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}

if (import.meta.main) {
  const violations = findViolations(await readImports(Deno.cwd()));
  for (const violation of violations) console.error(violation);
  if (violations.length > 0) Deno.exit(1);
}
