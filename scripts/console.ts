// deno-lint-ignore-file no-console -- a command that reports to its terminal
import { plotStyle } from "../console/plot_style.ts";
import { runTool } from "./compile/run_tool.ts";

const source = new URL("../console/", import.meta.url).pathname;
/** What the program serves and carries. */
const target = new URL("../src/http/console/", import.meta.url).pathname;

/** Files that are served as they are written. */
const plainFiles = ["index.html", "login.html", "console.css", "icon.svg"] as const;

/** The console's files by name, bundled from its sources. The same sources give the same bytes. */
async function buildConsole(): Promise<ReadonlyMap<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "console-" });
  try {
    const entries = ["main.tsx", "login.ts", "plot.ts"];
    const flags = ["--quiet", "--platform=browser", "--minify", `--outdir=${folder}`];
    await runTool(Deno.execPath(), ["bundle", ...flags, ...entries], source);
    const files = new Map<string, string>();
    for (const name of ["main.js", "login.js", "plot.js"]) {
      files.set(name, await Deno.readTextFile(`${folder}/${name}`));
    }
    files.set("plot.css", plotStyle);
    for (const name of plainFiles) files.set(name, await Deno.readTextFile(`${source}${name}`));
    return files;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Names of the served files that are not what the sources give. */
async function findStale(files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const stale: string[] = [];
  for (const [name, text] of files) {
    const served = await Deno.readTextFile(`${target}${name}`).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    });
    if (served !== text) stale.push(name);
  }
  return stale;
}

if (import.meta.main) {
  const files = await buildConsole();
  const stale = await findStale(files);
  if (Deno.args.includes("--check")) {
    if (stale.length > 0) {
      console.error(`src/http/console: ${stale.join(", ")} not as console/ gives them. Run: deno task console`);
      Deno.exit(1);
    }
  } else {
    await Deno.mkdir(target, { recursive: true });
    for (const name of stale) await Deno.writeTextFile(`${target}${name}`, files.get(name) ?? "");
  }
}
