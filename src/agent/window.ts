import type { LlmMessage, LlmToolResult, LlmUserPart } from "../core/llm.ts";
import type { ToolContent } from "../core/tool.ts";
import type { TranscriptEntry } from "../core/transcript.ts";
import type { SessionHistory } from "../ledger/sessions.ts";
import { fenceText } from "./fence.ts";
import { estimateMessage, estimateMessages, estimateResult, estimateText } from "./tokens.ts";

/** What a model may be shown of a conversation, in tokens as {@linkcode estimateMessage} counts them. */
export interface WindowBounds {
  /** Of everything together. */
  readonly maxTokens: number;
  /** Of one tool result. */
  readonly maxToolResultTokens: number;
}

/** The part of a session's history that the model sees. */
export interface Window {
  readonly messages: readonly LlmMessage[];
  /** Tokens that it takes, roughly. */
  readonly tokens: number;
  /** Entries of the transcript that were there to be shown. */
  readonly entries: number;
  /** Something was left out that no summary holds. */
  readonly isTrimmed: boolean;
}

/** Entries of a burst of steps that belong together: a window holds all of them or none. */
type Group = readonly LlmMessage[];

/**
 * The newest part of a history that fits: the summary of what came before it, and whole exchanges after that, so that a
 * tool's result never stands without its call. What no longer fits is named, not silently missing.
 */
export function toWindow({ summary, entries, isCut }: SessionHistory, bounds: WindowBounds): Window {
  const lead = summary === undefined ? [] : [toSummaryMessage(summary)];
  const groups = toGroups(toMessages(entries).map((message) => shorten(message, bounds.maxToolResultTokens)));
  const kept: Group[] = [];
  let tokens = estimateMessages(lead);
  for (const group of groups.toReversed()) {
    const size = estimateMessages(group);
    if (tokens + size > bounds.maxTokens) break;
    tokens += size;
    kept.unshift(group);
  }
  const isTrimmed = isCut || kept.length < groups.length;
  const messages = [...lead, ...isTrimmed ? [leftOutMessage] : [], ...kept.flat()];
  return { messages, tokens, entries: entries.length, isTrimmed };
}

/**
 * Makes the messages of a turn fit before the model is asked once more: results are shortened, then the oldest exchanges
 * go, then what this turn's tools gave is shortened further, oldest first, and last the question itself.
 */
export function fitMessages(messages: readonly LlmMessage[], bounds: WindowBounds): readonly LlmMessage[] {
  const groups = toGroups(messages.map((message) => shorten(message, bounds.maxToolResultTokens)));
  let tokens = groups.reduce((sum, group) => sum + estimateMessages(group), 0);
  let dropped = 0;
  while (tokens > bounds.maxTokens && dropped < groups.length - 1) tokens -= estimateMessages(groups[dropped++] ?? []);
  const kept = groups.slice(dropped).flat();
  const shortest = Math.min(shortestTokens, bounds.maxToolResultTokens);
  for (const [index, message] of kept.entries()) {
    if (tokens <= bounds.maxTokens) break;
    if (message.role === "assistant") continue;
    const room = message.role === "user"
      ? Math.max(shortestTokens, estimateMessage(message) - (tokens - bounds.maxTokens))
      : shortest;
    const short = message.role === "user" ? shortenQuestion(message, room) : shorten(message, room);
    tokens -= estimateMessage(message) - estimateMessage(short);
    kept[index] = short;
  }
  return dropped === 0 ? kept : [leftOutMessage, ...kept];
}

/** What is left of a result that has to make room, tokens. */
const shortestTokens = 500;

const leftOutMessage: LlmMessage = {
  role: "user",
  content: [{ type: "text", text: "[Earlier messages of this conversation are left out here: they did not fit.]" }],
};

function toSummaryMessage({ text, untrusted }: NonNullable<SessionHistory["summary"]>): LlmMessage {
  // A summary is made of what others wrote: a sentence in it is a record, not an order.
  const record = untrusted ? fenceText("summary", text) : text;
  return {
    role: "user",
    content: [{ type: "text", text: `[Summary of this conversation up to here, as a record:]\n${record}` }],
  };
}

/** The transcript as the model sees it. Calls that have no results, and results that have no calls, are left out. */
export function toMessages(entries: readonly TranscriptEntry[]): LlmMessage[] {
  const from = entries.findIndex(({ role }) => role === "user");
  if (from < 0) return [];
  return entries.slice(from).flatMap((entry, index, all): LlmMessage[] => {
    switch (entry.role) {
      case "user":
        return [toText(entry.text + toAttachmentNotes(entry.attachments))];
      case "note":
        return [toText(`[${entry.text}]`)];
      case "assistant": {
        const isWhole = entry.toolCalls.length === 0 || isAnswered(entry, all[index + 1]);
        if (isWhole) return [toAssistant(entry)];
        return entry.text === "" ? [] : [{ role: "assistant", text: entry.text, toolCalls: [] }];
      }
      case "tool":
        return isAnswered(all[index - 1], entry) ? [{ role: "tool", results: entry.results }] : [];
    }
  });
}

function isAnswered(call: TranscriptEntry | undefined, answer: TranscriptEntry | undefined): boolean {
  if (call?.role !== "assistant" || answer?.role !== "tool") return false;
  const asked = call.toolCalls.map(({ id }) => id).toSorted();
  const given = answer.results.map(({ callId }) => callId).toSorted();
  return asked.length === given.length && asked.every((id, index) => id === given[index]);
}

function toAssistant(entry: Extract<TranscriptEntry, { role: "assistant" }>): LlmMessage {
  return {
    role: "assistant",
    text: entry.text,
    toolCalls: entry.toolCalls.map(({ id, name, input, inputError }) => ({
      id,
      name,
      input,
      ...(inputError === undefined ? {} : { inputError }),
    })),
    ...(entry.providerState === undefined ? {} : { providerState: entry.providerState }),
  };
}

function toText(text: string): LlmMessage {
  return { role: "user", content: [{ type: "text", text }] };
}

function toAttachmentNotes(attachments: Extract<TranscriptEntry, { role: "user" }>["attachments"]): string {
  return (attachments ?? []).map(({ kind, name, path }) =>
    `\n[${kind} ${name ?? ""} was attached${path === undefined ? "" : `; it lies in your folder as ${path}`}]`
  ).join("");
}

function toGroups(messages: readonly LlmMessage[]): Group[] {
  const groups: LlmMessage[][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (last === undefined || message.role === "user") groups.push([message]);
    else last.push(message);
  }
  return groups;
}

/** The same message where nothing in it is too long. */
function shorten(message: LlmMessage, maxTokens: number): LlmMessage {
  if (message.role !== "tool" || message.results.every((result) => estimateResult(result) <= maxTokens)) return message;
  return { role: "tool", results: message.results.map((result) => shortenResult(result, maxTokens)) };
}

function shortenResult(result: LlmToolResult, maxTokens: number): LlmToolResult {
  if (estimateResult(result) <= maxTokens) return result;
  const share = Math.floor(maxTokens / result.content.length);
  const content = result.content.map((part): ToolContent => {
    if (part.type === "image") return { type: "text", text: "[an image is left out]" };
    return {
      type: "text",
      text: shortenText(part.type === "text" ? part.text : JSON.stringify(part.value) ?? "", share),
    };
  });
  return { ...result, content };
}

function shortenQuestion(message: Extract<LlmMessage, { role: "user" }>, maxTokens: number): LlmMessage {
  const content = message.content.map((part): LlmUserPart =>
    part.type === "text" ? { type: "text", text: shortenText(part.text, maxTokens) } : part
  );
  return { role: "user", content };
}

/** The beginning and the end of a text, and how much is missing between. */
export function shortenText(text: string, maxTokens: number): string {
  const tokens = estimateText(text);
  if (tokens <= maxTokens) return text;
  const keep = Math.floor(text.length * maxTokens / tokens);
  const head = Math.ceil(keep * 0.7);
  const missing = text.length - keep;
  const tail = text.slice(text.length - (keep - head)); // with the end of a fence that the head begins
  return `${text.slice(0, head)}\n[${missing} characters are left out here; the transcript has them]\n${tail}`;
}
