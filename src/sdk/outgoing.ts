import { AppError, toAppError } from "../core/error.ts";
import type { OutboundFile } from "../core/message.ts";

/**
 * Reads a file that the runtime has put into the instance's folder `folder` for a message.
 *
 * @throws {AppError} `missing` where it is not there any more, or not whole.
 */
export async function readOutgoing(folder: string, { sha256, name, sizeBytes }: OutboundFile): Promise<Uint8Array> {
  try {
    const bytes = await Deno.readFile(`${folder}/${sha256}`);
    if (bytes.length === sizeBytes) return bytes;
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  }
  throw new AppError("missing", `The file "${name}" of this message is not there any more`, { reason: "file_gone" });
}
