import { brotliCompressSync, constants } from "node:zlib";
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
    await runTool("gzip", ["-9", "--no-name", "payload.tar"], work);
    const payload = await Deno.readFile(`${work}/payload.tar.gz`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", payload)).toHex();
    const head = newLauncher({ id: `${options.version}-${digest.slice(0, 16)}`, flags: options.flags });
    const unfinished = `${output}.${Deno.pid}`;
    using file = await Deno.open(unfinished, { write: true, create: true, truncate: true, mode: 0o755 });
    for (const part of [new TextEncoder().encode(head), payload]) {
      for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
    }
    await Deno.rename(unfinished, output);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The bundle as one file: a line that lists names and sizes, then the bytes. A fifth smaller than what gzip makes. */
async function packProgram(folder: string): Promise<Uint8Array> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  const parts = await Promise.all(names.map((name) => Deno.readFile(`${folder}/${name}`)));
  const list = names.map((name, index) => ({ name, sizeBytes: parts[index]?.length ?? 0 }));
  const whole = new Blob([`${JSON.stringify(list)}\n`, ...parts]);
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN } = constants;
  return brotliCompressSync(new Uint8Array(await whole.arrayBuffer()), {
    params: { [BROTLI_PARAM_QUALITY]: 9, [BROTLI_PARAM_LGWIN]: 24 },
  });
}

/**
 * The shell script at the head of the file. It unpacks beside the final folder and renames, so that two first starts at
 * once, or one that is killed, leave nothing half-done.
 */
function newLauncher({ id, flags }: { readonly id: string; readonly flags: readonly string[] }): string {
  const script = (payloadLine: number) =>
    `#!/bin/sh
# nexo ${id}. Unpacks once into $AGENT_CACHE (else $XDG_CACHE_HOME/nexo, else ~/.cache/nexo) and starts from there.
set -eu
cache=\${AGENT_CACHE:-\${XDG_CACHE_HOME:-\${HOME:?Name a folder to unpack into with AGENT_CACHE}/.cache}/nexo}
home=$cache/${id}
if [ ! -d "$home" ]; then
  umask 077
  mkdir -p "$cache"
  part=$(mktemp -d "$cache/.unpacking.XXXXXX")
  trap 'rm -rf "$part"' EXIT INT TERM
  tail -n +${payloadLine} "$0" | gzip -dc | tar -xf - -C "$part"
  "$part/deno" run --quiet --no-config --no-lock --no-prompt --allow-read="$part" --allow-write="$part" "$part/unpack.js" "$part"
  mv -T "$part" "$home" 2>/dev/null || [ -d "$home" ]
  rm -rf "$part"
  trap - EXIT INT TERM
fi
if [ ! -O "$home" ]; then
  echo "agent: $home belongs to somebody else. Remove it, or name another folder with AGENT_CACHE" >&2
  exit 3
fi
AGENT_EXECUTABLE=$0 DENO_DIR=$home/cache DENO_NO_UPDATE_CHECK=1 exec "$home/deno" run ${
      flags.join(" ")
    } "$home/program/main.js" "$@"
`;
  const lines = script(0).split("\n").length;
  return script(lines);
}
