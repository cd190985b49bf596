import { z } from "zod";
import { pageFields, pageSchema } from "./page_api.ts";

/** Query of `GET /api/sessions`. */
export const sessionFilterSchema = z.object({
  agent: z.string().min(1).max(200).optional(),
  /** Words that stand together in an entry of the transcript, whole or their beginnings. */
  search: z.string().min(1).max(500).optional(),
  /** Plugin and instance, such as `telegram.sales`. */
  channel: z.string().min(1).max(200).optional(),
  /** Somebody who was heard in it: `telegram:4711`, or `4711`. */
  person: z.string().min(1).max(600).optional(),
  /** Milliseconds since the epoch: their newest message came then or later. */
  sinceMs: z.coerce.number().int().nonnegative().optional(),
  /** Milliseconds since the epoch: their newest message came before. */
  untilMs: z.coerce.number().int().nonnegative().optional(),
  ...pageFields,
});
/** Query of `GET /api/sessions`. */
export type SessionFilter = z.output<typeof sessionFilterSchema>;

/** A session, as lists show it. */
export const sessionViewSchema = z.object({
  id: z.string(),
  agent: z.string(),
  plugin: z.string(),
  instance: z.string(),
  conversation: z.string(),
  thread: z.string().nullable(),
  /** Who or what it is about, in the words of its beginning; may be empty. */
  title: z.string(),
  /** ISO 8601 UTC, of the newest message. */
  lastAt: z.string(),
});
/** A session, as lists show it. */
export type SessionView = z.output<typeof sessionViewSchema>;
/** Answer of `GET /api/sessions`. */
export const sessionsAnswerSchema = pageSchema(sessionViewSchema);

/** Query of `GET /api/sessions/search`. */
export const messageSearchSchema = z.object({
  /** Words that stand together in an entry, whole or their beginnings. */
  words: z.string().min(1).max(500),
  agent: z.string().min(1).max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Query of `GET /api/sessions/search`. */
export type MessageSearch = z.output<typeof messageSearchSchema>;

/** An entry of a transcript that holds the words. */
export const messageHitSchema = z.object({
  id: z.number().int(),
  sessionId: z.string(),
  /** ISO 8601 UTC. */
  at: z.string(),
  role: z.enum(["user", "assistant", "tool", "note"]),
  author: z.string().nullable(),
  /** The words around the first one that was looked for. */
  text: z.string(),
  /** It holds something that strangers to the session wrote. */
  untrusted: z.boolean(),
});
/** An entry of a transcript that holds the words. */
export type MessageHit = z.output<typeof messageHitSchema>;
/** Answer of `GET /api/sessions/search`, best first; newest first where very many entries hold the words. */
export const messageHitsSchema = z.object({ items: z.array(messageHitSchema) });

/** Query of `GET /api/sessions/:id/export`. */
export const exportRequestSchema = z.object({ format: z.enum(["md", "jsonl"]).default("md") });
/** How a transcript is written: Markdown to read, or a line of JSON for each entry. */
export type ExportFormat = z.output<typeof exportRequestSchema>["format"];

/** One entry of a transcript. */
export const messageViewSchema = z.object({
  id: z.number().int(),
  /** ISO 8601 UTC. */
  at: z.string(),
  /** `note`: what the runtime wrote down, such as the begin of a new session. */
  role: z.enum(["user", "assistant", "tool", "note"]),
  text: z.string(),
  /** Name of the sender, of the tool, or of whatever else wrote it. */
  author: z.string().nullable(),
  turnId: z.string().nullable(),
  /** Tools that a model called in it. */
  calls: z.array(z.object({ id: z.string(), name: z.string(), input: z.unknown() })),
  /** What tools answered. */
  results: z.array(z.object({ callId: z.string(), name: z.string(), text: z.string(), isError: z.boolean() })),
});
/** One entry of a transcript. */
export type MessageView = z.output<typeof messageViewSchema>;
/** Answer of `GET /api/sessions/:id/messages`. */
export const messagesAnswerSchema = pageSchema(messageViewSchema);
