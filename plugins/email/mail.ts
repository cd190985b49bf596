import PostalMime, { type Address, type Header } from "postal-mime";
import { AppError } from "../../src/core/error.ts";
import { isAddress } from "./address.ts";
import { htmlToText } from "./html.ts";
import { parseMessageIds, toDigest } from "./message_id.ts";

/** What is read of a mail. */
export interface Mail {
  /** Its Message-ID without brackets; where it has none that is one, a digest of it. */
  readonly id: string;
  /** Lower-case address of the one author; `undefined` where there is none, or more than one. */
  readonly from: { readonly address: string; readonly name?: string } | undefined;
  /** One line. */
  readonly subject: string;
  /** Milliseconds since the epoch, as the sender's clock had it. */
  readonly sentAtMs: number | undefined;
  /** Ids of the mails before it in its thread, oldest first. */
  readonly parents: readonly string[];
  /** All that was written, quotations included. */
  readonly text: string;
  /** Values of a header, topmost first. `name` in lower case. */
  header(name: string): readonly string[];
}

/** Ids of a long thread that are looked at. */
const maxParents = 50;
/** Characters of text that an agent is given of one mail. */
const maxTextChars = 100_000;

/**
 * Reads a mail from its first bytes. A part that the bytes end in is read as far as it goes.
 *
 * @throws {AppError} `invalid` for what cannot be read as a mail.
 */
export async function parseMail(source: Uint8Array): Promise<Mail> {
  const email = await parse(source);
  const values = (name: string) => email.headers.filter(({ key }) => key === name).map(({ value }) => value);
  let text = email.text ?? "";
  if (text.trim() === "") text = htmlToText(email.html ?? "");
  if (text.trim() === "" && email.attachments.length === 0) text = toRawBody(source);
  const sentAtMs = Date.parse(email.date ?? "");
  return {
    id: parseMessageIds(values("message-id")[0] ?? "")[0] ?? `${toDigest(32, source)}@without-id`,
    from: toAuthor(email.headers, email.from),
    subject: toLine(email.subject ?? "").slice(0, 500),
    sentAtMs: Number.isNaN(sentAtMs) ? undefined : sentAtMs,
    parents: [
      ...new Set([...parseMessageIds(email.references ?? ""), ...parseMessageIds(email.inReplyTo ?? "")]),
    ].slice(-maxParents),
    text: text.length <= maxTextChars
      ? text.toWellFormed()
      : `${text.slice(0, maxTextChars).toWellFormed()}\n[The mail goes on; it is cut here]`,
    header: values,
  };
}

/** A text in one line: what came encoded may hold line breaks, and those would end a header. */
export function toLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ").trim().toWellFormed();
}

/** What stands below the header, where no part of a broken mail can be told. */
function toRawBody(source: Uint8Array): string {
  const raw = new TextDecoder().decode(source.subarray(0, 4 * maxTextChars));
  return raw.slice(/\r?\n\r?\n/.exec(raw)?.index ?? raw.length);
}

async function parse(source: Uint8Array) {
  try {
    return await PostalMime.parse(source, { rfc822Attachments: true });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError("invalid", `The mail cannot be read: ${why}`, { cause: thrown });
  }
}

/** Several From headers are a way to show one author to the checks and another one to the reader. */
function toAuthor(headers: readonly Header[], from: Address | undefined): Mail["from"] {
  if (headers.filter(({ key }) => key === "from").length !== 1 || from?.address === undefined) return undefined;
  const address = from.address.trim().toLowerCase();
  if (!isAddress(address)) return undefined;
  const name = toLine(from.name).slice(0, 200);
  return { address, ...(name === "" ? {} : { name }) };
}
