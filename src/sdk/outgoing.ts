import { AppError, toAppError } from "../core/error.ts";
import type { OutboundFile } from "../core/message.ts";

/** A file that goes out, read. */
export interface ReadFile extends OutboundFile {
  readonly bytes: Uint8Array;
}

/**
 * Reads files that the runtime has put into the instance's folder `folder` for a message.
 *
 * @throws {AppError} `missing` where one is not there any more, or not whole.
 */
export function readOutgoing(folder: string, files: readonly OutboundFile[]): Promise<readonly ReadFile[]> {
  return Promise.all(files.map(async (file) => ({ ...file, bytes: await read(folder, file) })));
}

async function read(folder: string, { sha256, name, sizeBytes }: OutboundFile): Promise<Uint8Array> {
  try {
    const bytes = await Deno.readFile(`${folder}/${sha256}`);
    if (bytes.length === sizeBytes) return bytes;
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  }
  throw new AppError("missing", `The file "${name}" of this message is not there any more`, { reason: "file_gone" });
}
