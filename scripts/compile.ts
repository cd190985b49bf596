// deno-lint-ignore-file no-console -- a command that reports to its terminal
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { version } from "../src/core/version.ts";
import { bundleProgram } from "./compile/bundle.ts";
import { gatherLicences } from "./compile/licences.ts";
import { runTool } from "./compile/run_tool.ts";
import { writeSelfExtracting } from "./compile/self_extracting.ts";
import { findVectorLibraryFor } from "./compile/vector_library.ts";

const usage = `Makes one executable file of the program, its workers and its console.

  deno task compile [--output FILE] [--target TRIPLE]   with deno compile
  deno task compile --self-extracting [--output FILE]   of this Deno and the program: needs nothing from the network

deno compile needs its base binary (denort) from the network, in DENORT_BIN, or beside the deno program.`;

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Flags of `deno run` with which the task `agent` runs the program, its permissions among them. */
async function readRunFlags(): Promise<readonly string[]> {
  const config: { readonly tasks: { readonly agent: { readonly command: string } } } = JSON.parse(
    await Deno.readTextFile(`${root}/deno.json`),
  );
  const flags = /deno run (.*) main\.ts$/.exec(config.tasks.agent.command)?.[1]?.split(" ");
  if (flags === undefined) {
    throw new Error("Cannot read the task agent of deno.json: it must end in: deno run … main.ts");
  }
  return flags;
}

/** Where the file goes. @throws {Error} before the work begins, where it could not be put there. */
async function toOutput(given: string): Promise<string> {
  const path = resolve(given);
  const isFolder = (name: string) => Deno.stat(name).then(({ isDirectory }) => isDirectory, () => false);
  if (given === "" || given.endsWith("/") || await isFolder(path)) {
    throw new Error(
      `--output must name a file, and ${given || "nothing"} is none. For example: --output ${join(given, "agent")}`,
    );
  }
  if (!await isFolder(dirname(path))) {
    throw new Error(`There is no folder ${dirname(path)} for --output. Make it first`);
  }
  return path;
}

async function compile(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "output": { type: "string", default: "agent" },
      "target": { type: "string" },
      "self-extracting": { type: "boolean", default: false },
      "help": { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  if (values["self-extracting"] && values.target !== undefined) {
    throw new Error("--self-extracting carries this machine's Deno: it cannot be made for another --target");
  }
  if (values["self-extracting"] && Deno.build.os !== "linux") {
    throw new Error("--self-extracting makes files for Linux only. Elsewhere: deno task compile, which needs denort");
  }
  const output = await toOutput(values.output);
  const bundleFolder = await Deno.makeTempDir({ prefix: "compile-" });
  try {
    const vectorLibrary = await findVectorLibraryFor(values.target);
    const bundle = await bundleProgram({ root, folder: bundleFolder, vectorLibrary });
    await Deno.writeTextFile(`${bundleFolder}/licences.txt`, await gatherLicences(root));
    const flags = await readRunFlags();
    if (values["self-extracting"]) {
      const cut = ["--quiet", "--no-remote", "--no-npm", "--no-config", "--no-lock", "--unstable-worker-options"];
      await writeSelfExtracting({ bundleFolder, flags: [...cut, ...flags], version, output });
    } else {
      await runTool(Deno.execPath(), [
        "compile",
        "--no-check",
        "--no-config",
        "--app-name=nexo",
        "--unstable-worker-options",
        ...flags,
        ...[...bundle.others, "licences.txt"].map((name) => `--include=${bundleFolder}/${name}`),
        ...values.target === undefined ? [] : [`--target=${values.target}`],
        `--output=${output}`,
        bundle.main,
      ], bundleFolder).catch((thrown) => {
        const remedy =
          "deno compile needs its base binary, denort. Name it in DENORT_BIN, put it beside deno, let it be " +
          "fetched from the network, or do without: deno task compile --self-extracting";
        throw new Error(`${thrown instanceof Error ? thrown.message.trim() : thrown}\n${remedy}`);
      });
    }
  } finally {
    await Deno.remove(bundleFolder, { recursive: true });
  }
  const { size } = await Deno.stat(output);
  console.log(`${output}: ${(size / 1_000_000).toFixed(1)} MB`);
}

if (import.meta.main) {
  try {
    await compile(Deno.args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
