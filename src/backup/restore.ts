import { z } from "zod";
import { AppError } from "../core/error.ts";
import { isThere, listNames, readTextIfThere } from "../folder/files.ts";
import { type Manifest, readArchive } from "./archive.ts";
import { isPassing } from "./data_files.ts";

/** Folder below the data folder in which a restore is prepared, on the same disk. */
const workName = "restoring";
/** What stays where it is: the lock of whoever restores, and the token that people know. */
const staying = [workName, "lock", "admin.token"];
const planSchema = z.strictObject({ old: z.array(z.string()), new: z.array(z.string()) });

/**
 * Unpacks an archive beside what a data folder holds, checks it whole, and only then puts it in place. The caller holds
 * the folder's lock. A process that dies before the last check has changed nothing; after it, {@linkcode finishRestore}
 * goes on.
 *
 * @param force Replace what is there.
 * @throws {AppError} `conflict` for a folder that is not empty; `invalid` for an archive that cannot be used.
 */
export async function restoreData(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  { dataDir, configDir, force }: { readonly dataDir: string; readonly configDir: string; readonly force: boolean },
): Promise<{ readonly manifest: Manifest; readonly config: "restored" | "kept" | "none" }> {
  await finishRestore(dataDir);
  const old = await listToReplace(dataDir);
  if (old.length > 0 && !force) {
    throw new AppError(
      "conflict",
      `The data folder ${dataDir} is not empty: ${
        old.slice(0, 3).join(", ")
      }. Use another --data, or --force, which deletes what is there`,
      { reason: "data_folder_not_empty" },
    );
  }
  const work = `${dataDir}/${workName}`;
  await Deno.mkdir(`${work}/config`, { recursive: true, mode: 0o700 });
  await Deno.mkdir(`${work}/data`, { mode: 0o700 });
  let manifest: Manifest;
  try {
    manifest = await readArchive(source, async (path, body) => {
      if (path.startsWith("data/") && isPassing(path.slice("data/".length))) {
        throw new AppError("invalid", `The archive cannot be used: it holds ${path}`, { reason: "archive_damaged" });
      }
      await writeFile(`${work}/${path}`, body);
    });
    for (const { path, mode } of manifest.files) await Deno.chmod(`${work}/${path}`, mode);
  } catch (thrown) {
    await Deno.remove(work, { recursive: true });
    throw thrown;
  }
  const config = await placeConfig(`${work}/config`, configDir);
  await writePlan(dataDir, { old: [...old], new: [...await listNames(`${work}/data`)] });
  await finishRestore(dataDir);
  return { manifest, config };
}

/**
 * Ends what a restore has begun: from its plan on it only goes forward, before it everything is thrown away. The caller
 * holds the folder's lock. Harmless where nothing was begun.
 */
export async function finishRestore(dataDir: string): Promise<void> {
  const work = `${dataDir}/${workName}`;
  const plan = await readPlan(dataDir);
  if (plan !== undefined) {
    await Deno.mkdir(`${work}/old`, { recursive: true, mode: 0o700 });
    // What stands among the old ones has been moved; what then has its name in the data folder is new.
    for (const name of plan.old) if (!await isThere(`${work}/old/${name}`)) await move(dataDir, `${work}/old`, name);
    for (const name of plan.new) await move(`${work}/data`, dataDir, name);
    await sync(dataDir);
  }
  if (await isThere(work)) await Deno.remove(work, { recursive: true });
}

async function move(from: string, to: string, name: string): Promise<void> {
  if (await isThere(`${from}/${name}`)) await Deno.rename(`${from}/${name}`, `${to}/${name}`);
}

/** A config folder that has files is somebody's: it is never touched. */
async function placeConfig(from: string, configDir: string): Promise<"restored" | "kept" | "none"> {
  if ((await listNames(from)).length === 0) return "none";
  if ((await listNames(configDir)).length > 0) return "kept";
  for await (const path of listFiles(from, "")) {
    await makeFolderOf(`${configDir}/${path}`);
    await Deno.copyFile(`${from}/${path}`, `${configDir}/${path}`);
  }
  return "restored";
}

async function* listFiles(root: string, folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${root}/${folder}`)) {
    if (isDirectory) yield* listFiles(root, `${folder}${name}/`);
    else yield `${folder}${name}`;
  }
}

async function listToReplace(dataDir: string): Promise<readonly string[]> {
  return (await listNames(dataDir)).filter((name) => !staying.includes(name));
}

async function writeFile(path: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  await makeFolderOf(path);
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  for await (const chunk of body) {
    for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
  }
  await file.sync();
}

async function makeFolderOf(path: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
}

async function writePlan(dataDir: string, plan: z.output<typeof planSchema>): Promise<void> {
  const work = `${dataDir}/${workName}`;
  {
    using file = await Deno.open(`${work}/plan.unfinished`, { write: true, create: true, truncate: true, mode: 0o600 });
    await file.write(new TextEncoder().encode(JSON.stringify(plan)));
    await file.sync();
  }
  await Deno.rename(`${work}/plan.unfinished`, `${work}/plan.json`);
  await sync(work);
}

async function readPlan(dataDir: string): Promise<z.output<typeof planSchema> | undefined> {
  const text = await readTextIfThere(`${dataDir}/${workName}/plan.json`);
  return text === undefined ? undefined : planSchema.parse(JSON.parse(text));
}

/** Makes names that were given in a folder durable. */
async function sync(folder: string): Promise<void> {
  using handle = await Deno.open(folder);
  await handle.sync();
}
