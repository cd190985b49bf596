import { z } from "zod";
import { agentViewSchema } from "./agents_api.ts";
import { channelViewSchema } from "./channels_api.ts";

/** How one part of the process stands. */
export const subsystemSchema = z.object({
  name: z.string(),
  state: z.enum(["ok", "starting", "degraded", "down"]),
  reason: z.string().optional(),
  critical: z.boolean(),
});

/** Answer of `GET /ready`. */
export const readySchema = z.object({
  status: z.enum(["ready", "not_ready"]),
  subsystems: z.array(subsystemSchema),
});
/** Answer of `GET /ready`. */
export type Ready = z.output<typeof readySchema>;

/** A model that could answer. */
export const modelViewSchema = z.object({
  provider: z.string(),
  model: z.string(),
  /** Whether everything that it needs is there. */
  configured: z.boolean(),
  /** What is missing, with the line that would add it. */
  missing: z.string().optional(),
});
/** A model that could answer. */
export type ModelView = z.output<typeof modelViewSchema>;

/** How much waits in a queue. */
export const queueViewSchema = z.object({
  depth: z.number().int(),
  /** Age of the oldest row; 0 while the queue is empty. */
  oldestSeconds: z.number(),
});
/** How much waits in each queue. */
export const queuesSchema = z.object({
  inbox: queueViewSchema,
  outbox: queueViewSchema,
  spill: queueViewSchema,
  dead: queueViewSchema,
});
/** How much waits in each queue. */
export type Queues = z.output<typeof queuesSchema>;

/** Answer of `GET /api/status`. */
export const statusSchema = z.object({
  version: z.string(),
  pid: z.number().int(),
  bootId: z.string(),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  ready: z.boolean(),
  /** An operator holds new messages back. */
  paused: z.boolean(),
  subsystems: z.array(subsystemSchema),
  agents: z.array(agentViewSchema),
  channels: z.array(channelViewSchema),
  models: z.array(modelViewSchema),
  queues: queuesSchema,
  configGeneration: z.number().int(),
});
/** Answer of `GET /api/status`. */
export type Status = z.output<typeof statusSchema>;
