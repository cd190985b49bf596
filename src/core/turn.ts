import { z } from "zod";

const base = { agent: z.string(), sessionId: z.string(), turnId: z.string() };

/** What happens inside a turn, as console and API see it. Not durable: the journal is. */
export const turnEventSchema = z.discriminatedUnion("type", [
  z.object({
    ...base,
    type: z.literal("started"),
    /** Provider message ids of the messages that the turn answers. */
    answers: z.array(z.string()),
    resumed: z.boolean(),
  }),
  /** Model text as it streams. The texts of a turn, joined, are its reply. */
  z.object({ ...base, type: z.literal("text"), text: z.string() }),
  /** The model's stream broke and is asked again: `text` of the model call under way, so many characters, is void. */
  z.object({ ...base, type: z.literal("restarted"), voidCharacters: z.number() }),
  z.object({ ...base, type: z.literal("toolStarted"), callId: z.string(), tool: z.string(), input: z.unknown() }),
  z.object({
    ...base,
    type: z.literal("toolProgress"),
    callId: z.string(),
    tool: z.string(),
    done: z.number(),
    total: z.number().optional(),
    message: z.string().optional(),
  }),
  z.object({
    ...base,
    type: z.literal("toolEnded"),
    callId: z.string(),
    tool: z.string(),
    isError: z.boolean(),
    /** At most 2,000 characters of the result. */
    preview: z.string(),
    tookMs: z.number(),
  }),
  z.object({
    ...base,
    type: z.literal("ended"),
    answers: z.array(z.string()),
    outcome: z.enum(["answered", "failed", "silent"]),
    text: z.string(),
    inputTokens: z.number(),
    outputTokens: z.number(),
    costUsd: z.number().nullable(),
    tookMs: z.number(),
    model: z.string().optional(),
    /** Why nothing is said, where the outcome is `silent` and that was not the agent's choice. */
    why: z.string().optional(),
  }),
]);
/** What happens inside a turn. */
export type TurnEvent = z.output<typeof turnEventSchema>;
