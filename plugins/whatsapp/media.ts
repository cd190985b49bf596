import { hkdf } from "baileys";
import { Buffer } from "node:buffer";
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { MediaFile } from "../../src/core/message.ts";
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

/** A file is read in the turn that fetched it. */
const keepMs = 3_600_000;
const macBytes = 10;
const blockBytes = 16;

/** Opens the folder `folder` for files that lie at `mediaUrl`. */
export async function openMedia(mediaUrl: string, folder: string): Promise<Media> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await sweep(folder);
  return {
    async fetch(ref, maxBytes, signal) {
      await sweep(folder);
      const file = parseMediaRef(ref);
      if (file === undefined) throw new AppError("invalid", "This is no attachment of WhatsApp");
      const body = await download(`${mediaUrl}${file.directPath}`, signal);
      const path = `${folder}/${crypto.randomUUID()}`;
      return { path, mimeType: file.mimeType, sizeBytes: await save(body, path, file, maxBytes) };
    },
  };
}

async function sweep(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const mtime = await unlessGone(Deno.stat(path).then((info) => info.mtime));
    if (mtime && mtime.getTime() < Date.now() - keepMs) await unlessGone(Deno.remove(path));
  }
}

/** Another fetch may have swept the file away meanwhile. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
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

/** Writes the decrypted file to `path` and gives its size. Leaves no file behind when it fails. */
async function save(
  body: ReadableStream<Uint8Array>,
  path: string,
  ref: MediaRef,
  maxBytes: number,
): Promise<number> {
  const decryption = await newDecryption(ref, maxBytes);
  const plain = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(decryption.push(chunk)),
      flush: (controller) => controller.enqueue(decryption.finish()),
    }),
  );
  try {
    await Deno.writeFile(path, plain, { createNew: true, mode: 0o600 });
    return decryption.sizeBytes;
  } catch (thrown) {
    await unlessGone(Deno.remove(path));
    const error = toAppError(thrown);
    throw error.kind === "bug" ? new AppError("unavailable", "The download from WhatsApp broke off") : error;
  }
}

interface Decryption {
  readonly sizeBytes: number;
  push(chunk: Uint8Array): Uint8Array;
  /** @throws {AppError} `invalid` when the file is not what was sent. */
  finish(): Uint8Array;
}

/** A file is AES-256-CBC, then the first ten bytes of HMAC-SHA256 over IV and ciphertext, with keys from the message. */
async function newDecryption({ mediaKey, keyKind, sha256 }: MediaRef, maxBytes: number): Promise<Decryption> {
  const keys = Buffer.from(await hkdf(Buffer.from(mediaKey), 112, { info: `WhatsApp ${keyKind} Keys` }));
  const iv = keys.subarray(0, 16);
  const decipher = createDecipheriv("aes-256-cbc", keys.subarray(16, 48), iv);
  const mac = createHmac("sha256", keys.subarray(48, 80)).update(iv);
  const hash = createHash("sha256");
  let tail = Buffer.alloc(0);
  let receivedBytes = 0;
  let sizeBytes = 0;
  const count = (plain: Buffer) => {
    sizeBytes += plain.length;
    if (sizeBytes > maxBytes) throw newTooLarge(maxBytes);
    hash.update(plain);
    return new Uint8Array(plain);
  };
  return {
    get sizeBytes() {
      return sizeBytes;
    },
    push(chunk) {
      receivedBytes += chunk.length;
      if (receivedBytes > maxBytes + blockBytes + macBytes) throw newTooLarge(maxBytes);
      const data = Buffer.concat([tail, chunk]);
      const end = Math.max(0, data.length - macBytes);
      tail = data.subarray(end);
      mac.update(data.subarray(0, end));
      return count(decipher.update(data.subarray(0, end)));
    },
    finish() {
      if (tail.length < macBytes || !timingSafeEqual(mac.digest().subarray(0, macBytes), tail)) throw newForged();
      const last = count(decipher.final());
      if (!timingSafeEqual(hash.digest(), sha256)) throw newForged();
      return last;
    },
  };
}

function newForged(): AppError {
  return new AppError("invalid", "The file is not the one that was sent", { reason: "forged" });
}

function newTooLarge(maxBytes: number): AppError {
  return new AppError("invalid", `The file is larger than ${maxBytes} bytes`, { reason: "too_large" });
}
