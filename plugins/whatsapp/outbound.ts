import type { BaileysEventMap, BinaryNode, proto, WASocket } from "baileys";
import { AppError } from "../../src/core/error.ts";
import type { Outbound, Receipt } from "../../src/core/message.ts";
import { toRichText } from "../../src/lib/rich_text.ts";
import { splitRichText } from "../../src/lib/split_rich_text.ts";
import { outcomeUnknown, toRefusal, toWhatsAppError } from "./errors.ts";
import { parseProviderId } from "./inbound.ts";
import type { Journal, SentPart } from "./journal.ts";
import type { Limiter } from "./limiter.ts";
import { toWhatsAppText } from "./markup.ts";
import { toMessageId } from "./message_id.ts";

/**
 * Longest text of one message in UTF-16 units: what WhatsApp's own API for businesses takes. Phones would take 65,536,
 * and fold them away.
 */
export const maxTextUnits = 4_096;

/** WhatsApp answers in well under a second, or the connection is dead. */
const answerMs = 20_000;

/** What sending needs. */
export interface OutboundDeps {
  /** @throws {AppError} `unavailable` while there is no connection. */
  socket(): WASocket;
  readonly journal: Journal;
  /** Of the account, and of each chat. */
  readonly limiters: { readonly account: Limiter; readonly chat: Limiter };
  /** Whether the text is Markdown to be shown as formatting. */
  readonly markdown: boolean;
  /** Text of a message of a group that was received lately. */
  findReceived(providerMessageId: string): string | undefined;
}

/**
 * Sends a message in as many parts as it needs, and waits until WhatsApp has taken each. Tried again after a failure it
 * goes on with the part that failed, under the same id.
 *
 * @throws {AppError} `unavailable`, also with reason `outcome_unknown`; `denied`, `missing` and `invalid` where it never
 * will go out.
 */
export async function sendOutbound(deps: OutboundDeps, message: Outbound, signal: AbortSignal): Promise<Receipt> {
  const jid = toChatJid(message.conversation);
  const texts = toTexts(message.text, deps.markdown);
  const parts = texts.map((text, part): SentPart => ({
    key: message.key,
    part,
    id: toMessageId(message.key, part),
    text,
  }));
  for (const part of parts) {
    if (deps.journal.isTaken(part)) continue;
    await deps.limiters.chat.take(jid, signal);
    await deps.limiters.account.take("", signal);
    deps.journal.begin(part);
    await post(deps.socket(), jid, part.id, toContent(deps, message, part), signal);
    deps.journal.taken(part);
  }
  return { providerMessageIds: parts.map(({ id }) => id) };
}

/** The address of a conversation. @throws {AppError} `missing` */
export function toChatJid(conversation: string): string {
  if (/^[\d-]{3,40}@(s\.whatsapp\.net|lid|g\.us)$/.test(conversation)) return conversation;
  throw new AppError(
    "missing",
    `"${conversation}" is no chat of WhatsApp: those read like 4915112345678@s.whatsapp.net`,
  );
}

/** @throws {AppError} `invalid` where there is nothing to send. */
function toTexts(text: string, markdown: boolean): readonly string[] {
  const parts = splitRichText(markdown ? toRichText(text) : { text, entities: [] }, maxTextUnits);
  const verbatim = parts.length > 0 ? parts : splitRichText({ text, entities: [] }, maxTextUnits);
  if (verbatim.length === 0) throw new AppError("invalid", "The message has no text to send");
  return verbatim.map(toWhatsAppText);
}

/** In a group many talk at once, so the answer shows to what; between two it would only be noise. */
function toContent({ findReceived }: OutboundDeps, message: Outbound, { part, text }: SentPart): proto.IMessage {
  const answered = message.inReplyTo.at(-1);
  if (part > 0 || answered === undefined || !message.conversation.endsWith("@g.us")) return { conversation: text };
  const { id, participant } = parseProviderId(answered);
  if (participant === undefined) return { conversation: text };
  const contextInfo = { stanzaId: id, participant, quotedMessage: { conversation: findReceived(answered) ?? "" } };
  return { extendedTextMessage: { text, contextInfo } };
}

async function post(
  socket: WASocket,
  jid: string,
  id: string,
  content: proto.IMessage,
  signal: AbortSignal,
): Promise<void> {
  const lost = watchLoss(socket, signal);
  try {
    const answer = socket.waitForMessage<BinaryNode>(id, answerMs);
    const sent = Promise.all([answer, socket.relayMessage(jid, content, { messageId: id })]);
    const [node] = await Promise.race([sent, lost.promise]);
    if (node === undefined) throw newUnanswered();
    const { error } = node.attrs;
    if (node.tag === "ack" && error !== undefined) throw toRefusal(Number(error));
  } catch (thrown) {
    throw toWhatsAppError(thrown);
  } finally {
    lost[Symbol.dispose]();
  }
}

/** Rejects when the connection ends, which Baileys does not tell to whoever waits for an answer, or `signal` fires. */
function watchLoss({ ev }: WASocket, signal: AbortSignal): Disposable & { readonly promise: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined); // told to whoever races with it
  const take = ({ connection }: BaileysEventMap["connection.update"]) => {
    if (connection === "close") reject(newUnanswered());
  };
  const abort = () => reject(signal.reason);
  ev.on("connection.update", take);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  return {
    promise,
    [Symbol.dispose]() {
      ev.off("connection.update", take);
      signal.removeEventListener("abort", abort);
    },
  };
}

function newUnanswered(): AppError {
  return new AppError("unavailable", "WhatsApp did not say that it took the message", {
    reason: outcomeUnknown,
    retryAfterMs: 1_000,
  });
}
