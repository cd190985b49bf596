import { z } from "zod";
import { hops } from "../core/bus.ts";

const deadLetterConditions = {
  /** Where it died. */
  hop: z.enum(hops).optional(),
  /** Subject, or its beginning followed by `>`. */
  subject: z.string().min(1).max(500).optional(),
  /** Error kind, or reason. */
  cause: z.string().min(1).max(100).optional(),
  /** Written longer ago than this, milliseconds. */
  olderThanMs: z.coerce.number().int().nonnegative().optional(),
};

/** Query of `GET /api/dead-letters`: those that meet every condition, newest first. */
export const deadLetterFilterSchema = z.object({
  ...deadLetterConditions,
  /** Only ids below this one: the cursor of the next page. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Which dead letters a list means. */
export type DeadLetterFilter = z.output<typeof deadLetterFilterSchema>;

/** A dead letter, as lists show it. */
export const deadLetterViewSchema = z.object({
  id: z.number().int(),
  hop: z.string(),
  subject: z.string(),
  eventId: z.string(),
  agent: z.string().nullable(),
  sessionId: z.string().nullable(),
  /** Error kind of the cause. */
  kind: z.string(),
  reason: z.string().nullable(),
  message: z.string(),
  attempts: z.number().int(),
  /** ISO 8601 UTC, of the first attempt. */
  firstAt: z.string(),
  /** ISO 8601 UTC, when it died. */
  at: z.string(),
  /** ISO 8601 UTC. */
  replayedAt: z.string().nullable(),
});
/** A dead letter, as lists show it. */
export type DeadLetterView = z.output<typeof deadLetterViewSchema>;
/** Answer of `GET /api/dead-letters`. */
export const deadLettersAnswerSchema = z.object({
  items: z.array(deadLetterViewSchema),
  /** The `before` of the next page; absent: this was the last. */
  next: z.number().int().optional(),
});
/** Answer of `GET /api/dead-letters/:id`. */
export const deadLetterDetailSchema = deadLetterViewSchema.extend({
  /** The event or outbox row, whole. */
  body: z.unknown(),
});
/** A dead letter with what died. */
export type DeadLetterDetail = z.output<typeof deadLetterDetailSchema>;

/** Body of `POST /api/dead-letters/replay` and `/purge`: some by id, or all that meet the conditions. */
export const deadLetterActionSchema = z.union([
  z.strictObject({
    ids: z.array(z.number().int().positive()).min(1).max(10_000),
    dryRun: z.boolean().default(false),
  }),
  z.strictObject({ filter: z.strictObject(deadLetterConditions), dryRun: z.boolean().default(false) }),
]);
/** Dead letters by id, or all that the conditions name. */
export type DeadLetterSelection =
  | { readonly ids: readonly number[] }
  | { readonly filter: Omit<DeadLetterFilter, "before" | "limit"> };
/** Answer of `POST /api/dead-letters/replay` and `/purge`. */
export const deadLetterResultSchema = z.object({
  /** How many letters were, or with `dryRun` would be, replayed or purged. */
  count: z.number().int(),
  dryRun: z.boolean(),
  /** Of a purge: what `POST /api/dead-letters/restore` brings them back with, for ten minutes. */
  purge: z.number().int().optional(),
});
/** Answer of `POST /api/dead-letters/replay` and `/purge`. */
export type DeadLetterResult = z.output<typeof deadLetterResultSchema>;

/** Body of `POST /api/dead-letters/restore`. */
export const deadLetterRestoreSchema = z.strictObject({
  /** The `purge` that the purge was answered with. */
  purge: z.number().int().nonnegative(),
});
/** Answer of `POST /api/dead-letters/restore`. */
export const deadLetterRestoredSchema = z.object({
  /** How many letters are there again. */
  count: z.number().int(),
});

/** Body of `POST /api/dead-letters/:id/replay`: the text that goes out instead. */
export const deadLetterEditSchema = z.strictObject({ text: z.string().trim().min(1).max(100_000) });
/** Answer of `POST /api/dead-letters/:id/replay`. */
export const deadLetterEditedSchema = z.object({ ok: z.literal(true) });
