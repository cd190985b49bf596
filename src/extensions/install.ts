import { AppError, toAppError } from "../core/error.ts";
import { removeIfThere } from "../folder/files.ts";
import { type ArchivedFile, readArchive, unpackArchive } from "./archive.ts";
import { hashFolder, listFiles } from "./folder.ts";
import { changeLock, readLock } from "./lock.ts";
import { type Manifest, manifestName, readManifest } from "./manifest.ts";
import { readSignature, type TrustedKeys, verifySignature } from "./signature.ts";

/** What {@linkcode installExtension} goes by. */
export interface InstallOptions {
  readonly installedDir: string;
  /** Folder or archive. */
  readonly source: string;
  readonly trustedKeys: TrustedKeys;
  /** Refuse what no trusted key has signed. */
  readonly requireSignature: boolean;
}

/** What was installed. */
export interface Installed {
  readonly manifest: Manifest;
  readonly signedBy: string | undefined;
  /** Version that was there before. */
  readonly replaced: string | undefined;
}

/**
 * Copies an extension from a folder or an archive into the folder of those that are installed, and locks its content.
 * It takes the place of one with the same id; one that was enabled stays so as long as it asks for nothing else.
 *
 * @throws {AppError} `missing`, `invalid` for what is no extension, `denied` for a signature that is missing or wrong.
 */
export async function installExtension(options: InstallOptions): Promise<Installed> {
  const { installedDir, source } = options;
  await Deno.mkdir(installedDir, { recursive: true, mode: 0o755 });
  const stage = await Deno.makeTempDir({ dir: installedDir, prefix: ".staging-" });
  try {
    const signedBy = (await Deno.stat(source)).isDirectory
      ? await stageFolder(options, stage)
      : await stageArchive(options, stage);
    const manifest = await readManifest(stage);
    const hash = await hashFolder(stage);
    const target = `${installedDir}/${manifest.id}`;
    const replaced = await versionOf(target);
    await Deno.chmod(stage, 0o755);
    // The lock first: with the old files it fits nothing, so at no moment does something run that was not looked at.
    await changeLock(installedDir, manifest.id, ({ signedBy: _before, ...entry } = { enabled: false }) => ({
      ...entry,
      hash,
      source,
      ...(signedBy === undefined ? {} : { signedBy }),
    }));
    if (replaced !== undefined) await Deno.rename(target, `${stage}.old`);
    await Deno.rename(stage, target);
    if (replaced !== undefined) await Deno.remove(`${stage}.old`, { recursive: true });
    return { manifest, signedBy, replaced };
  } catch (thrown) {
    throw toAppError(thrown);
  } finally {
    await removeIfThere(stage, { recursive: true });
  }
}

/** Takes an installed extension away. What it has kept in its state folder stays. @throws {AppError} `missing` */
export async function uninstallExtension(installedDir: string, id: string): Promise<void> {
  const lock = await readLock(installedDir);
  const isThere = await versionOf(`${installedDir}/${id}`) !== undefined;
  if (lock[id]?.hash === undefined && !isThere) throw new AppError("missing", `${id} is not installed`);
  await changeLock(installedDir, id, () => undefined);
  await removeIfThere(`${installedDir}/${id}`, { recursive: true });
}

async function stageFolder({ source, requireSignature }: InstallOptions, stage: string): Promise<undefined> {
  if (requireSignature) throw newUnsigned(source);
  const folder = await Deno.realPath(source);
  const files = await Promise.all(
    (await listFiles(folder)).map(async ({ path, executable }): Promise<ArchivedFile> => ({
      path,
      executable,
      content: await Deno.readFile(`${folder}/${path}`),
    })),
  );
  await writeFiles(files, stage);
}

async function stageArchive(options: InstallOptions, stage: string): Promise<string | undefined> {
  const { source, trustedKeys, requireSignature } = options;
  const bytes = await readArchive(source);
  const signature = await readSignature(source);
  if (signature === undefined && requireSignature) throw newUnsigned(source);
  const signedBy = signature === undefined ? undefined : await verifySignature(bytes, signature, trustedKeys);
  await writeFiles(await unpackArchive(bytes), stage);
  return signedBy;
}

function newUnsigned(source: string): AppError {
  const remedy = "Install an archive with a .sig of a trusted key beside it, or set require_signature: false";
  return new AppError("denied", `${source} is not signed, and extensions.yaml asks for that. ${remedy}`, {
    reason: "unsigned",
  });
}

/** Modes are ours, not the author's: others may read, since a child may run as a user of its own. */
async function writeFiles(files: readonly ArchivedFile[], folder: string): Promise<void> {
  if (!files.some(({ path }) => path === manifestName)) {
    throw new AppError("invalid", `There is no ${manifestName} in it`);
  }
  for (const { path, executable, content } of files) {
    const parent = path.split("/").slice(0, -1).join("/");
    await Deno.mkdir(`${folder}/${parent}`, { recursive: true, mode: 0o755 });
    await Deno.writeFile(`${folder}/${path}`, content, { createNew: true, mode: executable ? 0o755 : 0o644 });
  }
}

async function versionOf(folder: string): Promise<string | undefined> {
  try {
    return (await readManifest(folder)).version;
  } catch (thrown) {
    return toAppError(thrown).kind === "missing" ? undefined : "unreadable";
  }
}
