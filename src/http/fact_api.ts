import { z } from "zod";
import { audienceSchema } from "../core/memory.ts";

// One schema for each request and answer with which an operator changes what an agent knows.

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
