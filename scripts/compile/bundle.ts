import { fileURLToPath, pathToFileURL } from "node:url";
import { runTool } from "./run_tool.ts";

/** What {@linkcode bundleProgram} needs. Paths are absolute. */
export interface BundleOptions {
  /** The folder with deno.json. */
  readonly root: string;
  /** Where the bundle goes. */
  readonly folder: string;
  /** sqlite-vec's native code for the machine that will run it. */
  readonly vectorLibrary: string;
}

/** What stands in a folder after {@linkcode bundleProgram}. */
export interface Bundle {
  /** The program: `main.js` in the folder. */
  readonly main: string;
  /** Names of all other files that it loads while it runs: workers, chunks, assets. */
  readonly others: readonly string[];
}

/** `new URL("./file", import.meta.url)`, the one form in which our code names a file that it loads while it runs. */
const fileReference = /new URL\(\s*"(\.{1,2}\/[^"]+)",\s*import\.meta\.url,?\s*\)/g;

/**
 * Bundles main.ts and every worker that the sources name into `folder`, all files side by side. No npm package is
 * needed to run the result.
 *
 * @throws {Error} naming the place where a file is referred to in a form that would not survive.
 */
export async function bundleProgram(
  { root, folder, vectorLibrary }: BundleOptions,
): Promise<Bundle> {
  const stage = await Deno.makeTempDir({ prefix: "compile-" });
  try {
    for (const name of ["main.ts", "deno.json", "deno.lock", "src", "plugins", "console", "config"]) {
      await copyTree(`${root}/${name}`, `${stage}/${name}`);
    }
    // Native code cannot be bundled: it goes beside the program.
    await Deno.copyFile(vectorLibrary, `${stage}/vec0.library`);
    const { workers, assets } = await flatten(stage);
    await runTool(Deno.execPath(), [
      "bundle",
      "--quiet",
      "--platform=deno",
      "--code-splitting",
      "--minify",
      "--keep-names",
      `--outdir=${folder}`,
      "main.ts",
      ...workers,
    ], stage);
    await giveRequire(folder);
    for (const [name, path] of assets) await Deno.copyFile(path, `${folder}/${name}`);
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  return { main: `${folder}/main.js`, others: names.filter((name) => name !== "main.js") };
}

/**
 * Lets every reference to a file point beside the bundle, where `import.meta.url` is the same for all modules, and
 * puts an entry there for each worker and each module that children import.
 */
async function flatten(stage: string): Promise<{
  readonly workers: readonly string[];
  /** Path of each asset by its name in the bundle. */
  readonly assets: ReadonlyMap<string, string>;
}> {
  const workers = new Set<string>();
  const assets = new Map<string, string>();
  for (const path of await listModules(stage)) {
    const text = await Deno.readTextFile(path);
    const flat = text.replace(fileReference, (_whole, reference: string) => {
      const target = fileURLToPath(new URL(reference, pathToFileURL(path)));
      const name = target.slice(stage.length + 1).replaceAll("/", ".");
      if (!target.endsWith(".ts")) {
        assets.set(name, target);
        return `new URL("./${name}", import.meta.url)`;
      }
      workers.add(target);
      return `new URL("./${name.replace(/\.ts$/, ".js")}", import.meta.url)`;
    });
    if (
      /import\.meta\.(?:url|dirname|filename)/.test(flat.replace(/new URL\("\.\/[^"/]+", import\.meta\.url\)/g, ""))
    ) {
      throw new Error(`Cannot bundle ${path.slice(stage.length + 1)}: write new URL("./file", import.meta.url)`);
    }
    if (flat !== text) await Deno.writeTextFile(path, flat);
  }
  const entries = [...workers].map((target) => {
    const inner = target.slice(stage.length + 1);
    return { entry: inner.replaceAll("/", "."), inner };
  });
  for (const { entry, inner } of entries) {
    await Deno.writeTextFile(`${stage}/${entry}`, `export * from "./${inner}";\n`);
  }
  return { workers: entries.map(({ entry }) => entry), assets };
}

/** CommonJS packages ask for Node.js's modules with `require`, which a module does not have by itself. */
async function giveRequire(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    if (!text.includes("Dynamic require of")) continue;
    const head = `import{createRequire}from"node:module";const require=createRequire(import.meta.url);`;
    await Deno.writeTextFile(`${folder}/${name}`, head + text);
  }
}

async function listModules(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await listModules(path));
    else if (/\.tsx?$/.test(name)) found.push(path);
  }
  return found.sort();
}

async function copyTree(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copyTree(`${from}/${name}`, `${to}/${name}`);
}
