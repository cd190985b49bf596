import { z } from "zod";

/** Query of `GET /api/usage`. */
export const usageQuerySchema = z.object({
  days: z.coerce.number().int().min(1).max(366).default(31),
  /** What one row sums up. Many agents and models have more days than an answer holds: 10,000 rows, the newest. */
  step: z.enum(["day", "month"]).default("day"),
});
/** Query of `GET /api/usage`. */
export type UsageQuery = z.output<typeof usageQuerySchema>;
/** What one agent used of one model on one day, or in one month. */
export const usageRowSchema = z.object({
  agent: z.string(),
  /** `YYYY-MM-DD`, UTC; of a month its first. */
  day: z.string(),
  provider: z.string(),
  model: z.string(),
  calls: z.number().int(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  costUsd: z.number(),
});
/** What one agent used of one model on one day. */
export type UsageRow = z.output<typeof usageRowSchema>;
/** Answer of `GET /api/usage`, newest day first. */
export const usageAnswerSchema = z.object({ items: z.array(usageRowSchema) });
