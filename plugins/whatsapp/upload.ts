import type { WASocket } from "baileys";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { AppError, toAppError } from "../../src/core/error.ts";
import { macBytes, toMediaCipher } from "./media_keys.ts";
import type { MediaRef } from "./media_ref.ts";

/** A file that lies at WhatsApp, as a message tells of it. */
export interface UploadedFile {
  readonly url: string;
  readonly directPath: string;
  readonly mediaKey: Uint8Array;
  readonly fileSha256: Uint8Array;
  readonly fileEncSha256: Uint8Array;
  readonly fileLength: number;
  /** Seconds since the epoch. */
  readonly mediaKeyTimestamp: number;
}

const uploadMs = 90_000;
const uploadedSchema = z.object({ url: z.string(), direct_path: z.string().startsWith("/") });

/**
 * Encrypts a file and gives it to WhatsApp's file server, with the permit that the open connection gets for that.
 *
 * @throws {AppError} `unavailable`; nothing was sent to anybody then.
 */
export async function uploadFile(
  { socket, mediaUrl }: { readonly socket: Pick<WASocket, "refreshMediaConn">; readonly mediaUrl: string },
  keyKind: MediaRef["keyKind"],
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<UploadedFile> {
  const mediaKey = new Uint8Array(randomBytes(32));
  const body = await encrypt(mediaKey, keyKind, bytes);
  const fileEncSha256 = sha256(body);
  const token = Buffer.from(fileEncSha256).toString("base64url");
  const { auth } = await socket.refreshMediaConn(false);
  const query = new URLSearchParams({ auth, token });
  const { url, direct_path } = await post(`${mediaUrl}/mms/${keyKind.toLowerCase()}/${token}?${query}`, body, signal);
  return {
    url,
    directPath: direct_path,
    mediaKey,
    fileSha256: sha256(bytes),
    fileEncSha256,
    fileLength: bytes.length,
    mediaKeyTimestamp: Math.floor(Date.now() / 1_000),
  };
}

async function encrypt(
  mediaKey: Uint8Array,
  keyKind: MediaRef["keyKind"],
  bytes: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const cipher = await toMediaCipher({ mediaKey, keyKind });
  const encryption = cipher.newCipher();
  const encrypted = Buffer.concat([encryption.update(bytes), encryption.final()]);
  const mac = cipher.newMac().update(encrypted).digest().subarray(0, macBytes);
  return Uint8Array.from(Buffer.concat([encrypted, mac]));
}

async function post(address: string, body: Uint8Array<ArrayBuffer>, signal: AbortSignal) {
  try {
    const response = await fetch(address, {
      method: "POST",
      body,
      redirect: "error",
      headers: { origin: "https://web.whatsapp.com", "content-type": "application/octet-stream" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(uploadMs)]),
    });
    const text = await response.text();
    if (!response.ok) throw new AppError("unavailable", `it answered ${response.status}`);
    return uploadedSchema.parse(JSON.parse(text));
  } catch (thrown) {
    signal.throwIfAborted();
    const { message } = toAppError(thrown);
    throw new AppError("unavailable", `The file server of WhatsApp did not take a file: ${message}`, { cause: thrown });
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
