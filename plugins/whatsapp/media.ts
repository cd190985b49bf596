import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { MediaFile } from "../../src/core/message.ts";
import { openMediaFolder } from "../../src/sdk/media_folder.ts";
import { blockBytes, macBytes, toMediaCipher } from "./media_keys.ts";
import { type MediaRef, parseMediaRef } from "./media_ref.ts";

/** Attachments of one account, fetched when somebody asks for them. */
export interface Media {
  /**
   * Downloads and decrypts the file of an attachment.
   *
   * @throws {AppError} `invalid` when it is larger than `maxBytes` or not what was sent; `missing` when WhatsApp does not
   * have it any more.
   */
  fetch(ref: string, maxBytes: number, signal: AbortSignal): Promise<MediaFile>;
}

/** Opens the folder `folder` for files that lie at `mediaUrl`. */
export async function openMedia(mediaUrl: string, folder: string): Promise<Media> {
  const files = await openMediaFolder(folder);
  return {
    async fetch(ref, maxBytes, signal) {
      const file = parseMediaRef(ref);
      if (file === undefined) throw new AppError("invalid", "This is no attachment of WhatsApp");
      try {
        const content = decrypt(await download(`${mediaUrl}${file.directPath}`, signal), file, maxBytes);
        return { ...await files.save(content, { maxBytes, extension: "" }), mimeType: file.mimeType };
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toAppError(thrown);
        throw error.kind === "bug" ? new AppError("unavailable", "The download from WhatsApp broke off") : error;
      }
    },
  };
}

async function download(address: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await fetch(address, { signal, redirect: "error", headers: { origin: "https://web.whatsapp.com" } });
  if (response.ok && response.body !== null) return response.body;
  await response.body?.cancel();
  if ([403, 404, 410].includes(response.status)) {
    throw new AppError("missing", "WhatsApp does not have this file any more. Ask for it to be sent again");
  }
  throw new AppError("unavailable", `The file server of WhatsApp answered ${response.status}`);
}

/** The file piece by piece. @throws {AppError} `invalid` when it is not what was sent, which shows at its end. */
async function* decrypt(
  body: ReadableStream<Uint8Array>,
  file: MediaRef,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const cipher = await toMediaCipher(file);
  const [decipher, mac, hash] = [cipher.newDecipher(), cipher.newMac(), createHash("sha256")];
  let tail = Buffer.alloc(0);
  let receivedBytes = 0;
  for await (const chunk of body) {
    receivedBytes += chunk.length;
    if (receivedBytes > maxBytes + blockBytes + macBytes) {
      throw new AppError("invalid", `The file is larger than ${maxBytes} bytes`, { reason: "too_large" });
    }
    const data = Buffer.concat([tail, chunk]);
    const end = Math.max(0, data.length - macBytes);
    tail = data.subarray(end);
    mac.update(data.subarray(0, end));
    const plain = decipher.update(data.subarray(0, end));
    hash.update(plain);
    yield new Uint8Array(plain);
  }
  if (tail.length < macBytes || !timingSafeEqual(mac.digest().subarray(0, macBytes), tail)) throw newForged();
  const last = decipher.final();
  hash.update(last);
  if (!timingSafeEqual(hash.digest(), file.sha256)) throw newForged();
  yield new Uint8Array(last);
}

function newForged(): AppError {
  return new AppError("invalid", "The file is not the one that was sent", { reason: "forged" });
}
