import { z } from "zod";

const waiting = {
  /** Rows that wait. */
  waiting: z.number().int(),
  /** Age of the oldest of them; 0 where nothing waits. */
  oldestSeconds: z.number(),
};

/** Answer of `GET /api/bus`, and the event `bus` of `GET /api/bus/live`. */
export const busViewSchema = z.object({
  /** Absent where the bus is inside the process. */
  nats: z.object({
    state: z.enum(["up", "down"]),
    /** ISO 8601 UTC. */
    since: z.string(),
    /** Why it is down. */
    reason: z.string().optional(),
    /** Publishing pauses while NATS is there but takes nothing. */
    breaker: z.enum(["closed", "half_open", "open"]),
    /** Whether the server keeps events itself; absent until it was asked. */
    jetStream: z.boolean().optional(),
    /** Events that wait on disk for NATS. */
    spilled: z.number().int(),
    /** Part of the room for them that is used. */
    fill: z.number(),
  }).optional(),
  /** Subjects that were used since the process began. `>` stands for all beyond the first 500. */
  subjects: z.array(z.object({
    subject: z.string(),
    /** Events and questions that were put on the bus. */
    came: z.number().int(),
    /** How often one was handed on: to a consumer, a listener, an answerer, or NATS. */
    went: z.number().int(),
    cameLastMinute: z.number().int(),
    wentLastMinute: z.number().int(),
    /** ISO 8601 UTC. */
    lastAt: z.string(),
  })),
  /** Consumers of durable events, with what they have not finished. */
  consumers: z.array(z.object({
    name: z.string(),
    /** Subject with wildcards. */
    pattern: z.string(),
    ...waiting,
    /** The same by subject, where something waits. */
    subjects: z.array(z.object({ subject: z.string(), ...waiting })),
  })),
  /** Messages that wait to be sent, by channel instance such as `telegram.sales`. */
  outbox: z.array(z.object({ channel: z.string(), ...waiting })),
  /** Events that wait on disk for NATS, by subject. */
  spill: z.array(z.object({ subject: z.string(), ...waiting })),
});
/** How the bus stands and what goes over it. */
export type BusView = z.output<typeof busViewSchema>;
