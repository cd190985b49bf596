import { z } from "zod";

/** What went on in the last hour, and what was spent. */
export const activitySchema = z.object({
  /** Turns that ended in the last hour. */
  turns: z.object({
    ended: z.number().int(),
    failed: z.number().int(),
    /** Median of a turn's time without its models' and tools' own, milliseconds: what this process adds. */
    addedMs: z.number().nullable(),
    /** Median of the time that a turn's models took, milliseconds. */
    modelMs: z.number().nullable(),
  }),
  /** Turns that run now, by agent. */
  running: z.array(z.object({ agent: z.string(), turns: z.number().int() })),
  /** Messages in and out in the last hour, by channel instance such as `telegram.sales`. */
  channels: z.array(z.object({ channel: z.string(), received: z.number().int(), sent: z.number().int() })),
  /** How many people wait to be let in. */
  strangers: z.number().int(),
  /** Since midnight, UTC. */
  spentToday: z.array(z.object({ agent: z.string(), costUsd: z.number(), tokens: z.number().int() })),
  /** Answers of the last hour, with their median and 95th percentile in milliseconds. */
  models: z.array(z.object({ model: z.string(), calls: z.number().int(), medianMs: z.number(), slowMs: z.number() })),
});
/** What went on in the last hour, and what was spent. */
export type Activity = z.output<typeof activitySchema>;
