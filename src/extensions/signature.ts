import { AppError } from "../core/error.ts";
import { readTextIfThere } from "../folder/files.ts";

/** Public keys by name: 32 bytes of Ed25519 in base64. */
export type TrustedKeys = Readonly<Record<string, string>>;

/** The signature beside an archive: `NAME.sig`, 64 bytes in base64. `undefined` where there is none. */
export async function readSignature(archive: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const text = await readTextIfThere(`${archive}.sig`);
  if (text === undefined) return undefined;
  try {
    return Uint8Array.fromBase64(text.trim());
  } catch (thrown) {
    throw new AppError("invalid", `${archive}.sig is no base64`, { cause: thrown });
  }
}

/**
 * Name of the trusted key that has signed `bytes`.
 *
 * @throws {AppError} `denied` where none of them has.
 */
export async function verifySignature(
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  keys: TrustedKeys,
): Promise<string> {
  for (const [name, text] of Object.entries(keys)) {
    const key = await crypto.subtle.importKey("raw", Uint8Array.fromBase64(text), "Ed25519", false, ["verify"]);
    if (await crypto.subtle.verify("Ed25519", key, signature, bytes)) return name;
  }
  throw new AppError("denied", "The archive's signature is of no key in trusted_keys of extensions.yaml", {
    reason: "untrusted_signature",
  });
}
