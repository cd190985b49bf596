import { z } from "zod";

const pairingStates = z.enum(["pending", "approved", "denied", "revoked", "expired"]);

/** Query of `GET /api/pairings`: newest first. */
export const pairingFilterSchema = z.object({
  /** Absent: all but those whose code has expired. */
  state: pairingStates.optional(),
  /** Only ids below this one: the cursor of the next page. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Which people a list means. */
export type PairingFilter = z.output<typeof pairingFilterSchema>;

/** Somebody who asked to be let in. */
export const pairingViewSchema = z.object({
  id: z.number().int(),
  /** Whom they want to talk to. */
  agent: z.string(),
  plugin: z.string(),
  instance: z.string(),
  /** The provider's id of the person. */
  sender: z.string(),
  /** What they call themselves; may be empty. */
  name: z.string(),
  state: pairingStates,
  /** While it can be used. */
  code: z.string().nullable(),
  /** ISO 8601 UTC: when the newest code was given. */
  askedAt: z.string(),
  /** ISO 8601 UTC: when the newest code ends. */
  expiresAt: z.string(),
  /** ISO 8601 UTC. */
  decidedAt: z.string().nullable(),
  /** As the audit names them; `clock` for a code that expired. */
  decidedBy: z.string().nullable(),
});
/** Somebody who asked to be let in; also the answer of `POST /api/pairings/approve`, `/deny` and `/revoke`. */
export type PairingView = z.output<typeof pairingViewSchema>;
/** Answer of `GET /api/pairings`. */
export const pairingsAnswerSchema = z.object({
  items: z.array(pairingViewSchema),
  /** The `before` of the next page; absent: this was the last. */
  next: z.number().int().optional(),
});

const pairingId = z.strictObject({ id: z.number().int().positive() });
/** Body of `POST /api/pairings/approve` and `/deny`. */
export const pairingWhomSchema = z.union([z.strictObject({ code: z.string().trim().min(1).max(100) }), pairingId]);
/** Somebody, by the code that they were given or by the number that lists show. */
export type PairingWhom = z.output<typeof pairingWhomSchema>;
/** Body of `POST /api/pairings/revoke`: somebody who was let in has no code any more. */
export const pairingRevocationSchema = pairingId;

/** Body of `POST /api/people/forget`. */
export const forgetPersonSchema = z.strictObject({
  /** `plugin:id`, such as `telegram:4711`. */
  person: z.string().min(3).max(600),
  dryRun: z.boolean().default(false),
});
/** Answer of `POST /api/people/forget`: how much was, or with `dryRun` would be, deleted. */
export const forgottenSchema = z.object({
  person: z.string(),
  dryRun: z.boolean(),
  /** Whole conversations. */
  sessions: z.number().int(),
  messages: z.number().int(),
  turns: z.number().int(),
  /** Accepted events, answered or not. */
  waiting: z.number().int(),
  replies: z.number().int(),
  deadLetters: z.number().int(),
  /** Facts of long-term memory; counted when they are deleted. */
  facts: z.number().int(),
  /** Papers of agents that may speak of the person: somebody has to read them. */
  look: z.array(z.string()),
});
/** Answer of `POST /api/people/forget`. */
export type Forgotten = z.output<typeof forgottenSchema>;
