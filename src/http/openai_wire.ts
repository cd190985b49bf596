import { z } from "zod";
import { AppError } from "../core/error.ts";
import type { Attachment, Inbound } from "../core/message.ts";
import type { TurnEvent } from "../core/turn.ts";
import { toImage } from "./image.ts";
import type { WebReply } from "./waiters.ts";

// Shapes of the Chat Completions API. Source: https://platform.openai.com/docs/api-reference/chat

const partSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("image_url"), image_url: z.object({ url: z.string() }) }),
  z.object({ type: z.literal("refusal"), refusal: z.string() }),
]);
const contentSchema = z.union([z.string(), z.array(partSchema).max(100)]).nullish();
type Content = z.output<typeof contentSchema>;

/** Body of `POST /v1/chat/completions`. Sampling and tools are the agent's own, so what a client says of them is not read. */
export const completionRequestSchema = z.object({
  /** An agent's id. */
  model: z.string().min(1).max(200),
  messages: z.array(z.object({
    role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
    content: contentSchema,
  })).min(1).max(10_000),
  n: z.literal(1, { error: "an agent gives one answer: leave it out, or send 1" }).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  /** The conversation. With it the agent keeps the history; without it the history is what the request holds. */
  user: z.string().min(1).max(500).nullish(),
});
/** Body of `POST /v1/chat/completions`. */
export type CompletionRequest = z.output<typeof completionRequestSchema>;

/** What a request says to the agent: its last user message, and what came before it. */
export interface Said {
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly history: NonNullable<Inbound["history"]>;
}

/**
 * Takes the newest user message out of a request, and the exchange before it.
 *
 * @throws {AppError} `invalid` where there is no user message, it is empty, or an image is not a `data:` URL.
 */
export function toSaid(messages: CompletionRequest["messages"]): Said {
  const at = messages.findLastIndex((message) => message.role === "user");
  const newest = messages[at]?.content;
  const text = textOf(newest);
  const attachments = imagesOf(newest);
  if (text === "" && attachments.length === 0) {
    throw new AppError("invalid", "messages: there is no user message with a text or an image", {
      reason: "no_user_message",
    });
  }
  const history = messages.slice(0, at).flatMap(({ role, content }) => {
    const text = textOf(content);
    return text !== "" && (role === "user" || role === "assistant") ? [{ role, text }] : [];
  });
  return { text, attachments, history: history.slice(-1_000) };
}

function textOf(content: Content): string {
  if (typeof content === "string") return content;
  return (content ?? []).flatMap((part) => part.type === "text" ? [part.text] : []).join("\n");
}

function imagesOf(content: Content): readonly Attachment[] {
  if (typeof content === "string") return [];
  return (content ?? []).flatMap((part) => part.type === "image_url" ? [toImage(part.image_url.url)] : []);
}

/** What every answer to one request begins with. */
export interface CompletionHead {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** The agent's id. */
  readonly model: string;
}

/** The answer that is not streamed. */
export function toCompletion(head: CompletionHead, reply: WebReply) {
  return {
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [{
      index: 0,
      message: { role: "assistant", content: reply.text, refusal: null },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: toUsage(reply),
  };
}

/** Writes the pieces of a streamed answer as server-sent events. */
export function newChunkWriter(head: CompletionHead, includeUsage: boolean) {
  // Only the choices differ from piece to piece: the rest is written once.
  const common = JSON.stringify({
    id: head.id,
    object: "chat.completion.chunk",
    created: head.created,
    model: head.model,
  }).slice(0, -1);
  const write = (choices: readonly unknown[], usage: unknown) =>
    `data: ${common},"choices":${JSON.stringify(choices)}` +
    `${includeUsage ? `,"usage":${JSON.stringify(usage)}` : ""}}\n\n`;
  const choice = (delta: unknown, finishReason: "stop" | null) => [
    { index: 0, delta, logprobs: null, finish_reason: finishReason },
  ];
  return {
    role: () => write(choice({ role: "assistant", content: "", refusal: null }, null), null),
    text: (content: string) => write(choice({ content }, null), null),
    end: (reply: WebReply) =>
      write(choice({}, "stop"), null) + (includeUsage ? write([], toUsage(reply)) : "") + "data: [DONE]\n\n",
    error: (body: unknown) => `data: ${JSON.stringify(body)}\n\n`,
  };
}

/**
 * Whether the texts after this event do not continue those before it: the turn began in another process, or a model
 * call begins again. What was sent cannot be taken back, so only the finished reply tells how it goes on.
 */
export function breaksText(event: TurnEvent): boolean {
  return event.type === "restarted" || (event.type === "started" && event.resumed);
}

/** The text of a batch of events. */
export function joinTexts(events: readonly TurnEvent[]): string {
  let text = "";
  for (const event of events) if (event.type === "text") text += event.text;
  return text;
}

/** What of a whole reply is still to be sent where `streamed` was. */
export function toRemainder(streamed: string, whole: string): string {
  if (whole.startsWith(streamed)) return whole.slice(streamed.length);
  if (whole.trim() === streamed.trim()) return "";
  // A hook replaced the reply, or pieces of it were missed: the stream cannot be taken back, only said again.
  return `\n\n${whole}`;
}

function toUsage({ inputTokens, outputTokens }: WebReply) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}
