import { z } from "zod";

/** Query of `GET /api/usage`. */
export const usageQuerySchema = z.object({ days: z.coerce.number().int().min(1).max(366).default(31) });
/** What one agent used of one model on one day. */
export const usageRowSchema = z.object({
  agent: z.string(),
  /** `YYYY-MM-DD`, UTC. */
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
