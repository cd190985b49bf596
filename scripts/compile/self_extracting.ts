import { brotliCompressSync, constants } from "node:zlib";
import { removeIfThere } from "../../src/folder/files.ts";
import { runTool } from "./run_tool.ts";

/**
 * Makes one executable file of the Deno runtime and a bundle. At its first start it unpacks into a private folder, and
 * from then on starts from there.
 *
 * @param flags Flags of `deno run`, with the program's permissions.
 */
export async function writeSelfExtracting(options: {
  readonly bundleFolder: string;
  readonly flags: readonly string[];
  readonly version: string;
  readonly output: string;
}): Promise<void> {
  const { bundleFolder, output } = options;
  const work = await Deno.makeTempDir({ prefix: "compile-" });
  try {
    await Deno.copyFile(Deno.execPath(), `${work}/deno`);
    await Deno.chmod(`${work}/deno`, 0o755);
    await Deno.writeFile(`${work}/program.br`, await packProgram(bundleFolder));
    await Deno.copyFile(new URL("./unpack.js", import.meta.url), `${work}/unpack.js`);
    const steady = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
    await runTool("tar", [...steady, "-cf", "payload.tar", "deno", "program.br", "unpack.js"], work);
    const tar = await Deno.readFile(`${work}/payload.tar`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", tar)).toHex();
    await compress(work, "payload.tar");
    const payload = await Deno.readFile(`${work}/payload.tar.gz`);
    const system = (await runTool("uname", ["-sm"], work)).trim();
    const head = await readLauncher({ id: `${options.version}-${digest.slice(0, 16)}`, flags: options.flags, system });
    const unfinished = `${output}.${Deno.pid}`;
    try {
      await Deno.writeFile(unfinished, new Blob([head, payload]).stream(), { mode: 0o755 });
      await Deno.rename(unfinished, output);
    } catch (thrown) {
      await removeIfThere(unfinished);
      throw thrown;
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** As gzip reads it. libdeflate, where the machine has it, makes it 3 % smaller than gzip itself. */
async function compress(folder: string, name: string): Promise<void> {
  try {
    await runTool("libdeflate-gzip", ["-12", name], folder);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    await runTool("gzip", ["-9", "--no-name", name], folder);
  }
}

/** The bundle as one file: a line that lists names and sizes, then the bytes. A quarter smaller than what gzip makes. */
async function packProgram(folder: string): Promise<Uint8Array> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const parts = await Promise.all(names.map((name) => Deno.readFile(`${folder}/${name}`)));
  const list = names.map((name, index) => ({ name, sizeBytes: parts[index]?.length ?? 0 }));
  const whole = new Blob([`${JSON.stringify(list)}\n`, ...parts]);
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = constants;
  return brotliCompressSync(new Uint8Array(await whole.arrayBuffer()), {
    params: { [BROTLI_PARAM_QUALITY]: 10, [BROTLI_PARAM_LGWIN]: 24 },
  });
}

/** The shell script at the head of the file. */
async function readLauncher(
  { id, flags, system }: { readonly id: string; readonly flags: readonly string[]; readonly system: string },
): Promise<string> {
  const script = await Deno.readTextFile(new URL("./launcher.sh", import.meta.url));
  const values = { ID: id, FLAGS: flags.join(" "), SYSTEM: system, PAYLOAD_LINE: String(script.split("\n").length) };
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`@${name}@`, () => value), script);
}
