import { z } from "zod";

/** Query of `GET /api/find`. */
export const findRequestSchema = z.object({
  /** Id of a turn, of an event or of a message as the provider knows it, key, conversation, or words. */
  q: z.string().trim().min(1).max(500),
});

/** What is known of a message that was looked for. */
export const foundSchema = z.object({
  /** What led to it. */
  by: z.enum(["turn", "received", "sent", "conversation", "dead letter", "words"]),
  /** ISO 8601 UTC. */
  at: z.string(),
  /** How it stands: an outcome of a turn, a state of a queue, or why it was refused. */
  state: z.string().nullable(),
  /** Such as `telegram.sales`. */
  channel: z.string().nullable(),
  /** Its beginning; may be empty. */
  text: z.string(),
  turnId: z.string().nullable(),
  sessionId: z.string().nullable(),
  /** The open dead letter that tells why it ended. */
  deadLetterId: z.number().int().nullable(),
});
/** What is known of a message that was looked for. */
export type FoundView = z.output<typeof foundSchema>;
/** Answer of `GET /api/find`: by id, newest first; where no id fits, by words. */
export const findAnswerSchema = z.object({ items: z.array(foundSchema) });
