import { hkdf } from "baileys";
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHmac, type Hmac } from "node:crypto";
import type { MediaRef } from "./media_ref.ts";

/** Bytes of the authentication code at the end of an encrypted file. */
export const macBytes = 10;
/** Bytes by which padding may make a file longer. */
export const blockBytes = 16;

/** What encrypts or decrypts one file: AES-256-CBC, then the first ten bytes of HMAC-SHA256 over IV and ciphertext. */
export interface MediaCipher {
  newCipher(): ReturnType<typeof createCipheriv>;
  newDecipher(): ReturnType<typeof createDecipheriv>;
  /** Has the IV already. */
  newMac(): Hmac;
}

/** Makes the cipher of a file from the key that stands in its message. */
export async function toMediaCipher(
  { mediaKey, keyKind }: Pick<MediaRef, "mediaKey" | "keyKind">,
): Promise<MediaCipher> {
  const keys = Buffer.from(await hkdf(Buffer.from(mediaKey), 112, { info: `WhatsApp ${keyKind} Keys` }));
  const [iv, cipherKey, macKey] = [keys.subarray(0, 16), keys.subarray(16, 48), keys.subarray(48, 80)];
  return {
    newCipher: () => createCipheriv("aes-256-cbc", cipherKey, iv),
    newDecipher: () => createDecipheriv("aes-256-cbc", cipherKey, iv),
    newMac: () => createHmac("sha256", macKey).update(iv),
  };
}
