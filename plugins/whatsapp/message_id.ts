import { createHash } from "node:crypto";

/**
 * The id of part `part`, counted from 0, of the message `key`: the same for ever, so that sending it again after a crash
 * is sending the same message.
 *
 * WhatsApp lets the sending device choose the id. A message is known by chat, sender and that id: WhatsApp's own devices
 * answer a failed decryption by asking for the same id again, and whoever has it already drops the copy. Sent twice, a
 * message is therefore shown once. `3EB0` is how ids of WhatsApp Web begin.
 */
export function toMessageId(key: string, part: number): string {
  const hash = createHash("sha256").update(`${part} ${key}`).digest("hex");
  return `3EB0${hash.slice(0, 18).toUpperCase()}`;
}
