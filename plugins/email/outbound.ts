import { Buffer } from "node:buffer";
import { createTransport } from "nodemailer";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { Log } from "../../src/core/log.ts";
import type { Outbound, OutboundFile, Receipt } from "../../src/core/message.ts";
import { readOutgoing } from "../../src/sdk/outgoing.ts";
import { toDomain } from "./address.ts";
import type { EmailConfig } from "./config.ts";
import type { Journal, KnownMail } from "./journal.ts";
import { toLine } from "./mail.ts";
import { toDigest } from "./message_id.ts";
import { postMail, type SmtpAccess } from "./smtp.ts";
import { toBareSubject, toCorrespondent } from "./thread.ts";

/** What sending needs. */
export interface OutboundDeps {
  readonly config: EmailConfig;
  readonly access: SmtpAccess;
  readonly journal: Journal;
  readonly log: Log;
  /** Folder with the files that go out. */
  readonly outgoing: string;
  /** Whether sent mail is to be put into the Sent folder by us. */
  readonly copies: boolean;
}

/** Ids in References: the first, which names the thread, and the newest ones. */
const maxReferences = 20;
const hourMs = 3_600_000;
const longestRetryMs = 4 * hourMs;

/** Id of the mail that the message `key` becomes: the same however often it is sent. */
export function toSentId(address: string, key: string): string {
  return `${toDigest(32, address, key)}@${toDomain(address)}`;
}

/**
 * Sends a message as one mail: an answer in its thread, or a new mail where the conversation is an address.
 *
 * @throws {AppError} `unavailable` with the time to wait; `denied`, `missing` and `invalid` where it never will be sent.
 */
export async function sendOutbound(deps: OutboundDeps, message: Outbound, signal: AbortSignal): Promise<Receipt> {
  const { config, journal, log } = deps;
  const sent = journal.findSent(message.key);
  if (sent !== undefined) return { providerMessageIds: [sent] };
  const to = toCorrespondent(message.conversation);
  if (to === undefined) {
    throw new AppError("missing", `"${message.conversation}" is no conversation of mail: those begin with an address`);
  }
  if (message.act !== undefined) {
    throw new AppError("invalid", "A mail that was sent cannot be changed, and has no reactions");
  }
  const answered = message.inReplyTo.flatMap((id) => journal.find(id) ?? []);
  if (answered.length > 0 && answered.every(({ kind }) => kind === "report")) {
    log.info("email.withheld", { reason: "answers_a_bounce" });
    return { providerMessageIds: [] };
  }
  refuseFlood(deps, message.conversation);
  const parent = answered.findLast(({ kind }) => kind === "in") ?? journal.findNewest(message.conversation);
  const mail = toMail(config.address, to, message, parent);
  const files = await Promise.all(
    (message.files ?? []).map(async (file) => ({ ...file, bytes: await readOutgoing(deps.outgoing, file) })),
  );
  const raw = await compose(config, mail, { text: message.text, files, isNew: parent === undefined });
  await post(deps, message.key, { from: config.address, to }, raw, signal);
  note(deps, message.key, mail, raw);
  return { providerMessageIds: [mail.id] };
}

/** What was sent is sent: a journal that fails must not make it look otherwise. */
function note({ journal, log, copies }: OutboundDeps, key: string, mail: KnownMail, raw: Uint8Array): void {
  try {
    journal.addSent(key, mail, copies ? raw : undefined);
  } catch (thrown) {
    log.error("email.journal_failed", { error: toAppError(thrown).message });
  }
}

async function post(
  { access, journal, config }: OutboundDeps,
  key: string,
  envelope: { readonly from: string; readonly to: string },
  raw: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  try {
    await postMail(access, envelope, raw, signal);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.kind !== "unavailable" || thrown.reason === "outcome_unknown") {
      throw thrown;
    }
    const { message, reason, cause } = thrown;
    const waitMs = Math.min(config.retry_seconds * 1_000 * 2 ** (journal.countSendTry(key) - 1), longestRetryMs);
    throw new AppError("unavailable", message, {
      cause,
      retryAfterMs: Math.max(waitMs, thrown.retryAfterMs ?? 0),
      ...(reason === undefined ? {} : { reason }),
    });
  }
}

/** Two programs that answer each other would never stop. */
function refuseFlood({ journal, config }: OutboundDeps, conversation: string): void {
  const { replies_per_hour } = config;
  if (journal.countSent(conversation, Date.now() - hourMs) < replies_per_hour) return;
  throw new AppError(
    "denied",
    `${replies_per_hour} mails were sent in this thread within an hour; raise replies_per_hour if that is no loop`,
    { reason: "thread_rate" },
  );
}

function toMail(
  from: string,
  to: string,
  { key, conversation, text, subject }: Outbound,
  parent: KnownMail | undefined,
): KnownMail {
  const before = parent === undefined ? [] : [...parent.parents, parent.id];
  return {
    id: toSentId(from, key),
    conversation,
    address: to,
    subject: subject ?? (parent === undefined ? toOwnSubject(text) : `Re: ${toBareSubject(parent.subject)}`.trim()),
    parents: before.length <= maxReferences ? before : [...before.slice(0, 1), ...before.slice(1 - maxReferences)],
    kind: "out",
  };
}

/** A file with its bytes. */
interface ReadFile extends OutboundFile {
  readonly bytes: Uint8Array;
}

/** The first line of a mail that answers none. */
function toOwnSubject(text: string): string {
  const line = text.split("\n").map((one) => toLine(one.replace(/^[#>*\s-]+|\*\*/g, ""))).find((one) => one !== "") ??
    "";
  return line.length <= 78 ? line : `${line.slice(0, 77).toWellFormed()}…`;
}

async function compose(
  { address, name }: EmailConfig,
  { id, address: to, subject, parents }: KnownMail,
  { text, files, isNew }: { readonly text: string; readonly files: readonly ReadFile[]; readonly isNew: boolean },
): Promise<Uint8Array> {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  const inReplyTo = parents.at(-1);
  const { message } = await composer.sendMail({
    from: name === undefined ? address : { name, address },
    to,
    subject: toHeader(subject),
    text,
    attachments: files.map(({ name, mimeType, bytes }) => ({
      filename: toHeader(toLine(name)),
      contentType: toHeader(mimeType),
      content: Buffer.from(bytes),
    })),
    messageId: `<${toHeader(id)}>`,
    ...(inReplyTo === undefined ? {} : { inReplyTo: `<${toHeader(inReplyTo)}>` }),
    ...(parents.length === 0 ? {} : { references: parents.map((parent) => `<${toHeader(parent)}>`) }),
    // RFC 3834, section 5: so that no other program answers it.
    headers: { "Auto-Submitted": isNew ? "auto-generated" : "auto-replied" },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  if (!(message instanceof Uint8Array)) throw new AppError("bug", "The mail was not composed into bytes");
  return message;
}

/** @throws {AppError} `invalid` for a text that would begin another header. */
function toHeader(text: string): string {
  if (!/[\r\n\0]/.test(text)) return text;
  throw new AppError("invalid", "A line break in the header of a mail is refused", { reason: "header_injection" });
}
