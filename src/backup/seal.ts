import { AppError } from "../core/error.ts";

/** With what an archive is encrypted: age (https://age-encryption.org/v1), readable by its own tools too. */
export type Seal =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  /** Public keys, `age1…`. */
  | { readonly kind: "recipients"; readonly recipients: readonly string[] };

/** With what an encrypted archive is opened. */
export type Key =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  /** Secret keys, `AGE-SECRET-KEY-1…`. */
  | { readonly kind: "identities"; readonly identities: readonly string[] };

type Bytes = Uint8Array<ArrayBuffer>;

const intro = "age-encryption.org/v1";

/** Encrypts what is written to the stream that it gives, into `sink`. */
export async function sealInto(sink: WritableStream<Bytes>, seal: Seal, signal: AbortSignal) {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  try {
    if (seal.kind === "passphrase") encrypter.setPassphrase(seal.passphrase);
    else for (const recipient of seal.recipients) encrypter.addRecipient(recipient);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError("invalid", `Cannot encrypt for that recipient: ${detail}. Write a public key, age1…`);
  }
  const plain = new TransformStream<Bytes, Bytes>();
  const sealed = await encrypter.encrypt(plain.readable);
  return { writable: plain.writable, written: sealed.pipeTo(sink, { signal }) };
}

/** Whether an archive begins as an encrypted one does. */
export function isSealed(beginning: Uint8Array): boolean {
  return new TextDecoder("latin1").decode(beginning).startsWith(intro);
}

/** Decrypts an archive. @throws {AppError} `denied` where the key does not fit. */
export async function openSealed(source: ReadableStream<Bytes>, key: Key): Promise<ReadableStream<Bytes>> {
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  try {
    if (key.kind === "passphrase") decrypter.addPassphrase(key.passphrase);
    else for (const identity of key.identities) decrypter.addIdentity(identity);
    const opened = await decrypter.decrypt(source);
    // The library gives what it has made itself, in buffers of its own.
    return opened as ReadableStream<Bytes>;
  } catch (thrown) {
    throw new AppError("denied", "The archive cannot be decrypted: that passphrase or identity is not the one", {
      cause: thrown,
      reason: "wrong_key",
    });
  }
}
