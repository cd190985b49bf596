import { z } from "zod";

/** Query of `GET /api/series`. */
export const seriesQuerySchema = z.object({ minutes: z.coerce.number().int().min(1).max(1_440).default(60) });

const counts = z.array(z.number());
const times = z.array(z.number().nullable());

/** Answer of `GET /api/series`: what went on in steps of equal length, oldest first. Kept since the start, a day at most. */
export const seriesSchema = z.object({
  stepMs: z.number(),
  /** When each step begins, milliseconds since the epoch. */
  times: counts,
  messages: z.object({ received: counts, sent: counts }),
  turns: z.object({ answered: counts, failed: counts }),
  /** By provider and model; times in milliseconds, `null` where nothing was answered. */
  models: z.array(z.object({ model: z.string(), calls: counts, errors: counts, medianMs: times, slowMs: times })),
});
/** Answer of `GET /api/series`. */
export type SeriesAnswer = z.output<typeof seriesSchema>;
