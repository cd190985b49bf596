import { z } from "zod";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { Log } from "../../src/core/log.ts";
import type { Outbound, Receipt } from "../../src/core/message.ts";
import { type RichText, toRichText } from "../../src/lib/rich_text.ts";
import { splitRichText } from "../../src/lib/split_rich_text.ts";
import type { BotApi, Methods } from "./api.ts";
import { isAboutFormatting, movedTo, outcomeUnknown } from "./errors.ts";
import type { Journal } from "./journal.ts";

/** Longest text of one message in UTF-16 units: https://core.telegram.org/bots/api#sendmessage. */
export const maxTextUnits = 4096;

/** What sending needs. */
export interface OutboundDeps {
  readonly api: BotApi;
  readonly journal: Journal;
  readonly log: Log;
  /** Whether the text is Markdown to be shown as formatting. */
  readonly markdown: boolean;
}

/**
 * Sends a message in as many parts as it needs. Tried again after a failure it goes on with the part that failed.
 *
 * @throws {AppError} `unavailable`, also with reason `outcome_unknown` where Telegram may have taken the part; `denied`,
 * `missing` and `invalid` where it never will.
 */
export async function sendOutbound(deps: OutboundDeps, message: Outbound, signal: AbortSignal): Promise<Receipt> {
  if (message.act !== undefined || (message.files?.length ?? 0) > 0) {
    throw new AppError("invalid", "This channel sends text: no files, no reactions, and nothing is changed afterwards");
  }
  const parts = toParts(message.text, deps.markdown);
  const providerMessageIds = [...deps.journal.sentParts(message.key)];
  for (const [index, part] of parts.entries()) {
    if (index < providerMessageIds.length) continue;
    const id = String(await sendPart(deps, message, part, index === 0, signal));
    providerMessageIds.push(id);
    note(deps, message.key, index, parts.length, id);
  }
  return { providerMessageIds };
}

/** What was sent is sent: a journal that fails must not make it look otherwise. */
function note({ journal, log }: OutboundDeps, key: string, part: number, total: number, id: string): void {
  try {
    journal.addPart(key, part, total, id);
  } catch (thrown) {
    log.error("telegram.journal_failed", { error: toAppError(thrown).message });
  }
}

/** @throws {AppError} `invalid` where there is nothing to send. */
function toParts(text: string, markdown: boolean): readonly RichText[] {
  const parts = splitRichText(markdown ? toRichText(text) : { text, entities: [] }, maxTextUnits);
  if (parts.length > 0) return parts;
  const verbatim = splitRichText({ text, entities: [] }, maxTextUnits);
  if (verbatim.length > 0) return verbatim;
  throw new AppError("invalid", "The message has no text to send");
}

async function sendPart(
  deps: OutboundDeps,
  message: Outbound,
  part: RichText,
  isFirst: boolean,
  signal: AbortSignal,
): Promise<number> {
  const chatId = deps.journal.currentChat(message.conversation);
  try {
    return await post(deps.api, chatId, message, part, isFirst, signal);
  } catch (thrown) {
    const movedId = movedTo(thrown);
    if (movedId !== undefined) {
      deps.journal.moveChat(message.conversation, movedId);
      return await post(deps.api, movedId, message, part, isFirst, signal);
    }
    // Our formatting should never be refused; where it is, the words still arrive.
    if (!isAboutFormatting(thrown)) throw thrown;
    return await post(deps.api, chatId, message, { text: part.text, entities: [] }, isFirst, signal);
  }
}

async function post(
  api: BotApi,
  chatId: string,
  message: Outbound,
  part: RichText,
  isFirst: boolean,
  signal: AbortSignal,
): Promise<number> {
  const payload = {
    chat_id: toChatId(chatId),
    text: part.text,
    ...(part.entities.length === 0 ? {} : { entities: part.entities.map(toApiEntity) }),
    ...toThreadParameters(message.thread),
    ...(isFirst ? toReplyParameters(message) : {}),
  };
  const sent = await api.ask("sendMessage", signal, (methods, bounded) => methods.sendMessage(payload, bounded));
  const receipt = sentSchema.safeParse(sent);
  if (receipt.success) return receipt.data.message_id;
  throw new AppError("unavailable", "sendMessage: the answer names no message. Check api_root", {
    reason: outcomeUnknown,
  });
}

/** Whatever answers in the place of Telegram need not keep to its types. */
const sentSchema = z.object({ message_id: z.number().int() });

/** Chat ids are integers of up to 52 bits: https://core.telegram.org/bots/api#chat. @throws {AppError} `missing` */
export function toChatId(conversation: string): number {
  if (/^-?\d{1,16}$/.test(conversation)) return Number(conversation);
  throw new AppError("missing", `"${conversation}" is no chat of Telegram: those are numbers`);
}

/** The field that puts something into a topic. */
export function toThreadParameters(thread: string | undefined): { readonly message_thread_id?: number } {
  return thread === undefined ? {} : { message_thread_id: Number(thread) };
}

/** In a group many talk at once, so the answer shows to what; between two it would only be noise. */
function toReplyParameters({ conversation, inReplyTo }: Outbound) {
  // The id of an edited message begins with that of the message.
  const id = Number.parseInt(inReplyTo.at(-1) ?? "", 10);
  if (!conversation.startsWith("-") || Number.isNaN(id)) return {};
  return { reply_parameters: { message_id: id, allow_sending_without_reply: true } };
}

type ApiEntity = NonNullable<Parameters<Methods["sendMessage"]>[0]["entities"]>[number];

function toApiEntity({ type, offset, length, url, language }: RichText["entities"][number]): ApiEntity {
  if (type === "text_link") return { type, offset, length, url: url ?? "" };
  if (type === "pre") return { type, offset, length, ...(language === undefined ? {} : { language }) };
  return { type, offset, length };
}
