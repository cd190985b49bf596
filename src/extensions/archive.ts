import { AppError, toAppError } from "../core/error.ts";

/** A file inside an archive, its path relative to the extension's folder. */
export interface ArchivedFile {
  readonly path: string;
  readonly executable: boolean;
  readonly content: Uint8Array;
}

const maxArchiveBytes = 20 * 1_048_576;
/** Unpacked: a small archive can hold a very large one. */
const maxUnpackedBytes = 50 * 1_048_576;
const maxFiles = 2_000;

/** Reads an archive's bytes. @throws {AppError} `missing`; `invalid` where it is too large. */
export async function readArchive(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await Deno.stat(path);
  if (size > maxArchiveBytes) throw new AppError("invalid", `${path} is larger than ${maxArchiveBytes} bytes`);
  return await Deno.readFile(path);
}

/**
 * Unpacks a tar archive, gzipped or not, in memory. One folder around everything is left away.
 *
 * @throws {AppError} `invalid` for anything that is neither file nor folder, and for a path that leads out.
 */
export async function unpackArchive(bytes: Uint8Array<ArrayBuffer>): Promise<readonly ArchivedFile[]> {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const tar = isGzip ? await gunzip(bytes) : bytes;
  // Loaded where an archive is installed, which is rare.
  const { unpackTar } = await import("modern-tar");
  const files: ArchivedFile[] = [];
  for (
    const { header: { name, type = "file", mode = 0o644 }, data } of await unpackTar(tar, { strict: true }).catch(
      refuse,
    )
  ) {
    if (type === "directory" || type === "pax-header" || type === "pax-global-header") continue;
    if (type !== "file") {
      throw new AppError("invalid", `The archive holds ${name}, a ${type}: only files and folders are taken`);
    }
    files.push({ path: toSafePath(name), executable: (mode & 0o100) !== 0, content: data ?? new Uint8Array() });
    if (files.length > maxFiles) throw new AppError("invalid", `The archive holds more than ${maxFiles} files`);
  }
  const twice = files.find(({ path }, index) => files.findIndex((file) => file.path === path) !== index);
  if (twice !== undefined) throw new AppError("invalid", `The archive holds ${twice.path} twice`);
  return withoutOuterFolder(files);
}

function refuse(thrown: unknown): never {
  throw new AppError("invalid", `The archive is damaged, or no tar archive: ${toAppError(thrown).message}`);
}

function toSafePath(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (name.startsWith("/") || parts.length === 0 || parts.includes("..") || /[\\\p{Cc}]/u.test(name)) {
    throw new AppError("invalid", `The archive holds ${JSON.stringify(name)}, a path that leads out of its folder`);
  }
  return parts.join("/");
}

function withoutOuterFolder(files: readonly ArchivedFile[]): readonly ArchivedFile[] {
  const outer = files[0]?.path.split("/")[0] ?? "";
  if (!files.every(({ path }) => path.startsWith(`${outer}/`))) return files;
  return files.map((file) => ({ ...file, path: file.path.slice(outer.length + 1) }));
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))) {
      size += part.length;
      if (size > maxUnpackedBytes) {
        throw new AppError("invalid", `The archive unpacks to more than ${maxUnpackedBytes} bytes`);
      }
      parts.push(part);
    }
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    refuse(thrown);
  }
  return new Uint8Array(await new Blob(parts.map((part) => new Uint8Array(part))).arrayBuffer());
}
