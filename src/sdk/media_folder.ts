import { AppError } from "../core/error.ts";

/** Files that a plugin fetched for a turn. They are kept for an hour. */
export interface MediaFolder {
  /**
   * Writes `content` into a file of its own. Leaves none behind when it fails.
   *
   * @throws {AppError} `invalid` when it is larger than `maxBytes`; whatever `content` throws.
   */
  save(
    content: AsyncIterable<Uint8Array>,
    options: { readonly maxBytes: number; readonly extension: string },
  ): Promise<{ readonly path: string; readonly sizeBytes: number }>;
}

/** A file is read in the turn that fetched it. */
const keepMs = 3_600_000;

/** Opens the folder `folder`. */
export async function openMediaFolder(folder: string): Promise<MediaFolder> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await sweep(folder);
  return {
    async save(content, { maxBytes, extension }) {
      await sweep(folder);
      const path = `${folder}/${crypto.randomUUID()}${extension}`;
      try {
        return { path, sizeBytes: await write(path, content, maxBytes) };
      } catch (thrown) {
        await unlessGone(Deno.remove(path));
        throw thrown;
      }
    },
  };
}

async function write(path: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new AppError("invalid", `The file is larger than ${maxBytes} bytes`, { reason: "too_large" });
    }
    for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
  }
  return sizeBytes;
}

async function sweep(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const mtime = await unlessGone(Deno.stat(path).then((info) => info.mtime));
    if (mtime && mtime.getTime() < Date.now() - keepMs) await unlessGone(Deno.remove(path));
  }
}

/** Another save may have swept the file away meanwhile. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
