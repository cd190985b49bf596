import { dirname } from "node:path";
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
  const { version, integrity } = await readLocked(name);
  const wanted = `${name}@${version}`;
  const folder = await Deno.makeTempDir({ prefix: "compile-" });
  try {
    const flags = ["--no-config", "--no-lock", `npm:${wanted}`];
    await runTool(Deno.execPath(), ["cache", "--quiet", ...flags], folder);
    const told = await runTool(Deno.execPath(), ["info", "--json", ...flags], folder);
    const { npmPackages }: { readonly npmPackages: Readonly<Record<string, { readonly localPath: string }>> } = JSON
      .parse(told);
    const path = npmPackages[wanted]?.localPath;
    if (path === undefined) throw new Error(`Cannot find ${wanted} in Deno's cache`);
    await requireIntegrity(dirname(path), { name, version, integrity });
    return `${path}/${file}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Locked {
  readonly version: string;
  /** Of its archive, as npm writes it. */
  readonly integrity: string;
}

/** Deno holds an archive against what the registry says of it; whether that is what deno.lock says, it does not ask. */
async function requireIntegrity(
  folder: string,
  { name, version, integrity }: Locked & { readonly name: string },
): Promise<void> {
  const { versions }: {
    readonly versions: Readonly<Record<string, { readonly dist: { readonly integrity?: string } }>>;
  } = JSON.parse(await Deno.readTextFile(`${folder}/registry.json`));
  if (versions[version]?.dist.integrity === integrity) return;
  throw new Error(
    `The registry's ${name}@${version} is not the one that deno.lock names: it was replaced. Do not use it`,
  );
}

async function readLocked(name: string): Promise<Locked> {
  const lock: { readonly npm: Readonly<Record<string, { readonly integrity: string }>> } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)),
  );
  const found = Object.entries(lock.npm).find(([key]) => key.startsWith(`${name}@`));
  if (found === undefined) throw new Error(`deno.lock does not name ${name}`);
  const [key, { integrity }] = found;
  return { version: key.slice(name.length + 1), integrity };
}
