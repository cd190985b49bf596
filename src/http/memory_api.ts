import { z } from "zod";

const day = z.string().refine((text) => !Number.isNaN(Date.parse(text)), "is no date; write it as 2026-11-22");

/** Which facts of an agent's memory. */
export const factFilterRequestSchema = z.object({
  /** Tags that a fact must carry, joined by commas. */
  tag: z.string().max(2_000).optional(),
  person: z.string().max(300).optional(),
  /** Told on this day or at this time, or later. */
  since: day.optional(),
  /** Told before this day or time. */
  before: day.optional(),
});
/** Which facts of an agent's memory. */
export type FactFilterRequest = z.output<typeof factFilterRequestSchema>;

/** Query of `GET /api/agents/AGENT/memory`. */
export const factListRequestSchema = factFilterRequestSchema.extend({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  after: z.string().max(64).optional(),
  /** Replaced and faded facts too. */
  all: z.literal("1").optional(),
});
/** Query of `GET /api/agents/AGENT/memory/search`. */
export const factSearchRequestSchema = factFilterRequestSchema.extend({
  q: z.string().min(1).max(4_000),
  limit: z.coerce.number().int().min(1).max(50).default(10),
});
/** Body of `POST /api/agents/AGENT/memory/forget`. */
export const forgetRequestSchema = z.object({ ids: z.array(z.string().max(64)).min(1).max(500) });
/** Its answer. */
export const forgetAnswerSchema = z.object({ forgotten: z.array(z.string()) });
