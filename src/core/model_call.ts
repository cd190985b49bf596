import { z } from "zod";

/** Something that kept a model from answering at once. */
const setbackSchema = z.discriminatedUnion("type", [
  /** It had to wait for the rate limit that the config sets for the provider. */
  z.object({ type: z.literal("limited"), provider: z.string(), waitedMs: z.number() }),
  /** It failed. */
  z.object({
    type: z.literal("failed"),
    provider: z.string(),
    model: z.string(),
    /** Error kind. */
    kind: z.string(),
    /** With the remedy. */
    message: z.string(),
    /** What came next: the same model `again` after `waitMs`, an `other` model, or nothing. */
    next: z.enum(["again", "other", "none"]),
    waitMs: z.number(),
  }),
]);
/** Something that kept a model from answering at once. */
export type Setback = z.output<typeof setbackSchema>;

/** How a model was asked inside a turn, as the journal keeps it: enough to explain the time, without the prompt's text. */
export const modelCallSchema = z.object({
  /** Messages that it was shown, the question and the results of tools included. */
  messages: z.number(),
  /** Tools that it was offered. */
  tools: z.number(),
  /** Time until the first text of the answer that counted, milliseconds. Absent: it answered without text. */
  firstMs: z.number().optional(),
  /** In the order in which they came, each with its moment in milliseconds since the epoch. */
  setbacks: z.array(z.intersection(setbackSchema, z.object({ at: z.number() }))),
});
/** How a model was asked inside a turn. */
export type ModelCall = z.output<typeof modelCallSchema>;

/** What a turn waited for before it began, milliseconds. */
export const turnWaitsSchema = z.object({
  /** For further messages of the same person. */
  burstMs: z.number(),
  /** For one of the turns that may run at the same time. */
  permitMs: z.number(),
});
/** What a turn waited for before it began, milliseconds. */
export type TurnWaits = z.output<typeof turnWaitsSchema>;
