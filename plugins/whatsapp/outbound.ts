import { type BaileysEventMap, type BinaryNode, proto, type WASocket } from "baileys";
import { AppError } from "../../src/core/error.ts";
import type { Outbound, Receipt } from "../../src/core/message.ts";
import { type ContentDeps, toContents } from "./content.ts";
import { outcomeUnknown, toRefusal, toWhatsAppError } from "./errors.ts";
import type { Journal } from "./journal.ts";
import type { Limiter } from "./limiter.ts";
import { toMessageId } from "./message_id.ts";

/** WhatsApp answers in well under a second, or the connection is dead. */
const answerMs = 20_000;

/** What sending needs. */
export interface OutboundDeps extends ContentDeps {
  readonly journal: Journal;
  /** Of the account, and of each chat. */
  readonly limiters: { readonly account: Limiter; readonly chat: Limiter };
}

/**
 * Sends a message in as many parts as it needs, and waits until WhatsApp has taken each. Tried again after a failure it
 * goes on with the part that failed, under the same id and with the same content.
 *
 * @throws {AppError} `unavailable`, also with reason `outcome_unknown`; `denied`, `missing` and `invalid` where it never
 * will go out.
 */
export async function sendOutbound(deps: OutboundDeps, message: Outbound, signal: AbortSignal): Promise<Receipt> {
  const { journal, limiters } = deps;
  const jid = toChatJid(message.conversation);
  const parts = toContents(deps, message).map((make, part) => ({
    make,
    key: message.key,
    part,
    id: toMessageId(message.key, part),
  }));
  const attributes = message.act?.kind === "edit" ? { edit: "1" } : {};
  for (const part of parts) {
    if (journal.isTaken(part)) continue;
    await limiters.chat.take(jid, signal);
    await limiters.account.take("", signal);
    const socket = deps.socket();
    if (journal.findContent(part.id) === undefined) journal.begin(part, encodeContent(await part.make(signal)));
    const content = proto.Message.decode(journal.findContent(part.id) ?? new Uint8Array());
    await post(socket, jid, { id: part.id, content, attributes }, signal);
    journal.taken(part);
  }
  return { providerMessageIds: parts.map(({ id }) => id) };
}

function encodeContent(content: proto.IMessage): Uint8Array {
  return proto.Message.encode(content).finish();
}

/** The address of a conversation. @throws {AppError} `missing` */
export function toChatJid(conversation: string): string {
  if (/^[\d-]{3,40}@(s\.whatsapp\.net|lid|g\.us)$/.test(conversation)) return conversation;
  throw new AppError(
    "missing",
    `"${conversation}" is no chat of WhatsApp: those read like 4915112345678@s.whatsapp.net`,
  );
}

async function post(
  socket: WASocket,
  jid: string,
  { id, content, attributes }: {
    readonly id: string;
    readonly content: proto.IMessage;
    readonly attributes: Readonly<Record<string, string>>;
  },
  signal: AbortSignal,
): Promise<void> {
  const lost = watchLoss(socket, signal);
  try {
    const answer = socket.waitForMessage<BinaryNode>(id, answerMs);
    const sent = Promise.all([
      answer,
      socket.relayMessage(jid, content, { messageId: id, additionalAttributes: attributes }),
    ]);
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
