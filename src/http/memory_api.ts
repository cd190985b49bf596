import { z } from "zod";
import { audienceSchema } from "../core/memory.ts";

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

const factId = z.string().min(1).max(64);

/** Body of `POST /api/agents/AGENT/memory/remember`. Its answer is the fact. */
export const factRememberSchema = z.strictObject({
  text: z.string().min(1).max(100_000),
  tags: z.array(z.string()).max(100).default([]),
  importance: z.number().min(0).max(1).default(0.5),
  audience: audienceSchema.default("everyone"),
  /** Whom it concerns, such as `telegram:4711`; absent for a replacement: whom the replaced fact concerns. */
  person: z.string().min(1).max(300).optional(),
  /** The fact that it replaces. That one is kept, and comes back when the replacement is undone. */
  replaces: factId.optional(),
});
/** Body of `POST /api/agents/AGENT/memory/remember`. */
export type FactRemember = z.input<typeof factRememberSchema>;

/** Body of `POST /api/agents/AGENT/memory/weigh`: at 0 a fact is kept, and not recalled any more. */
export const factWeighSchema = z.strictObject({ id: factId, importance: z.number().min(0).max(1) });

/** Body of `POST /api/agents/AGENT/memory/restore`: what this fact replaced is there again, and it goes. */
export const factRestoreSchema = z.strictObject({ id: factId });

/** Answer of `POST /api/agents/AGENT/memory/weigh` and `/restore`. */
export const factChangedSchema = z.object({ ok: z.literal(true) });
