import { z } from "zod";
import { modelCallSchema, turnWaitsSchema } from "../core/model_call.ts";

/** One step of a turn, as journaled. */
export const stepViewSchema = z.object({
  seq: z.number().int(),
  /** `inbound`: a message that came while the turn ran. */
  kind: z.enum(["model", "tool", "inbound"]),
  /** Model, or tool. */
  name: z.string(),
  state: z.enum(["started", "done"]),
  /** What running the tool twice would do. */
  effect: z.string().nullable(),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  /** ISO 8601 UTC. */
  finishedAt: z.string().nullable(),
  /** Of a model's answer. */
  inputTokens: z.number().int().nullable(),
  outputTokens: z.number().int().nullable(),
  costUsd: z.number().nullable(),
  /** How a model was asked. */
  call: modelCallSchema.nullable(),
  /** Why there is no good result, where there is none. */
  fault: z.string().nullable(),
  input: z.unknown(),
  output: z.unknown(),
});

/** A message that a turn answers. Rows of finished work are swept after `retention.finished`. */
export const receivedViewSchema = z.object({
  /** ISO 8601 UTC. */
  receivedAt: z.string(),
  /** Where it came from, such as `telegram.sales`. */
  channel: z.string().nullable(),
  /** The channel's own id of it. */
  providerMessageId: z.string().nullable(),
});

/** Something that a turn sends. */
export const sendViewSchema = z.object({
  channel: z.string(),
  state: z.enum(["queued", "sending", "sent", "dead"]),
  /** Whether an answer of the provider was lost, so that it may have been sent before. */
  unknown: z.boolean(),
  attempts: z.number().int(),
  /** ISO 8601 UTC. */
  queuedAt: z.string(),
  /** ISO 8601 UTC. */
  finishedAt: z.string().nullable(),
  providerMessageIds: z.array(z.string()),
  error: z.string().nullable(),
});
/** Answer of `GET /api/turns/:id`: the timeline of a turn. */
export const turnViewSchema = z.object({
  id: z.string(),
  agent: z.string(),
  sessionId: z.string(),
  state: z.enum(["running", "done"]),
  outcome: z.enum(["answered", "failed", "silent"]).nullable(),
  error: z.string().nullable(),
  model: z.string().nullable(),
  /** How often a restart picked it up again. */
  resumed: z.number().int(),
  /** ISO 8601 UTC, of the oldest message that it answers. */
  receivedAt: z.string(),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  /** ISO 8601 UTC. */
  finishedAt: z.string().nullable(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  costUsd: z.number().nullable(),
  /** When a restart picked it up again, oldest first; ISO 8601 UTC. */
  resumedAt: z.array(z.string()),
  /** When a message of it that had died was made to live again; ISO 8601 UTC. */
  replayedAt: z.array(z.string()),
  /** What it waited for before it began. Absent from turns of releases before. */
  waits: turnWaitsSchema.nullable(),
  /** Under which a collector has its spans; `null` where there is none. */
  traceId: z.string().nullable(),
  /** What the model was asked, as the transcript keeps it. */
  question: z.string(),
  received: z.array(receivedViewSchema),
  steps: z.array(stepViewSchema),
  sends: z.array(sendViewSchema),
});
/** Answer of `GET /api/turns/:id`. */
export type TurnView = z.output<typeof turnViewSchema>;
