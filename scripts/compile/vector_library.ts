import { getLoadablePath } from "sqlite-vec";
import { runTool } from "./run_tool.ts";

/** Package with sqlite-vec's native code, and the file in it, by target of `deno compile`. */
const packages: Readonly<Record<string, readonly [name: string, file: string]>> = {
  "x86_64-unknown-linux-gnu": ["sqlite-vec-linux-x64", "vec0.so"],
  "aarch64-unknown-linux-gnu": ["sqlite-vec-linux-arm64", "vec0.so"],
  "x86_64-apple-darwin": ["sqlite-vec-darwin-x64", "vec0.dylib"],
  "aarch64-apple-darwin": ["sqlite-vec-darwin-arm64", "vec0.dylib"],
};

/**
 * Path of sqlite-vec's native code. That of another machine than this one is fetched first.
 *
 * @param target Target of `deno compile`; `undefined`: this machine.
 * @throws {Error} naming the targets there are.
 */
export async function findVectorLibraryFor(target: string | undefined): Promise<string> {
  if (target === undefined) return getLoadablePath();
  const [name, file] = packages[target] ?? [];
  if (name === undefined) {
    throw new Error(`Cannot compile for ${target}. Targets: ${Object.keys(packages).join(", ")}`);
  }
  const folder = await Deno.makeTempDir({ prefix: "compile-" });
  try {
    const wanted = `${name}@${await readVersion(name)}`;
    await runTool(Deno.execPath(), ["cache", "--quiet", "--no-config", "--no-lock", `npm:${wanted}`], folder);
    const told = await runTool(
      Deno.execPath(),
      ["info", "--json", "--no-config", "--no-lock", `npm:${wanted}`],
      folder,
    );
    const { npmPackages }: { readonly npmPackages: Readonly<Record<string, { readonly localPath: string }>> } = JSON
      .parse(told);
    const path = npmPackages[wanted]?.localPath;
    if (path === undefined) throw new Error(`Cannot find ${wanted} in Deno's cache`);
    return `${path}/${file}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The version of a package in deno.lock. */
async function readVersion(name: string): Promise<string> {
  const lock: { readonly npm: Readonly<Record<string, unknown>> } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)),
  );
  const key = Object.keys(lock.npm).find((one) => one.startsWith(`${name}@`));
  if (key === undefined) throw new Error(`deno.lock does not name ${name}`);
  return key.slice(name.length + 1);
}
