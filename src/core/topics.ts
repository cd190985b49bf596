import { z } from "zod";
import {
  inboundSchema,
  mediaFileSchema,
  outboundFileSchema,
  outboundSchema,
  receiptSchema,
  webhookRequestSchema,
  webhookResponseSchema,
} from "./message.ts";
import { pluginToolAnswerSchema, pluginToolCallSchema } from "./plugin_tool.ts";
import { type Call, type Topic, toSubjectToken } from "./topic.ts";
import { turnEventSchema } from "./turn.ts";

/** The instance that a subject means which names none. */
export const defaultInstance = "default";

/** Largest piece of a file that is read at once, bytes: as text it fits into a message of NATS, 1 MB by default. */
export const largestPieceBytes = 512 * 1024;

/** Where a message from outside came in, stamped by the host, never by the worker. */
export const inboundEventSchema = z.object({
  plugin: z.string(),
  instance: z.string().default(defaultInstance),
  message: inboundSchema,
});
/** Payload of {@linkcode topics.inbound}. */
export type InboundEvent = z.output<typeof inboundEventSchema>;

/** A task or its result on the way between agents. */
export const routeEventSchema = z.discriminatedUnion("kind", [
  z.object({
    /** `broadcast`: nobody waits for an answer. */
    kind: z.enum(["delegate", "broadcast"]),
    from: z.string(),
    task: z.string().min(1).max(200_000),
    /** Session of the asking agent. */
    sessionId: z.string(),
    /** Agents that the task went through, the asking one last. */
    chain: z.array(z.string()).max(16),
    /** Milliseconds since the epoch. */
    deadlineAt: z.number(),
  }),
  z.object({
    kind: z.literal("result"),
    from: z.string(),
    outcome: z.enum(["answered", "failed"]),
    text: z.string(),
  }),
]);
/** Payload of {@linkcode topics.route}. */
export type RouteEvent = z.output<typeof routeEventSchema>;

/** A tick of an agent's own clock. */
export const heartbeatEventSchema = z.object({ agent: z.string(), dueAt: z.string() });

/** A piece of a file, small enough for every bus. Pieces of one file come in order. */
const filePieceSchema = z.object({
  sha256: outboundFileSchema.shape.sha256,
  offset: z.number().int().nonnegative(),
  base64: z.string().max(700_000),
});

/** How a plugin instance stands, from now on. */
const healthEventSchema = z.object({
  plugin: z.string(),
  instance: z.string(),
  state: z.enum(["starting", "up", "degraded", "down"]),
  /** A sentence for the operator; always there when the state is not `up`. */
  reason: z.string().optional(),
  /** Who the instance is with its provider. */
  identity: z.string().optional(),
});
/** Payload of {@linkcode topics.health}. */
export type HealthEvent = z.output<typeof healthEventSchema>;

/** Wakes a flow that waits for something outside. */
const resumeEventSchema = z.object({
  flowId: z.string().min(1).max(500),
  /** What the flow waits for. */
  topic: z.string().min(1).max(500),
  correlationId: z.string().max(500).optional(),
  /** What it is told. */
  data: z.unknown().optional(),
});
/** Payload of {@linkcode topics.resume}. */
export type ResumeEvent = z.output<typeof resumeEventSchema>;

const subjectOf = (...parts: string[]) => parts.join(".");
const instanceOf = (instance: string | undefined) => instance === undefined ? [] : [token(instance)];

/** Every topic there is. Arguments may be `*`, for subscriptions. */
export const topics = {
  /**
   * A message that a channel accepted. Durable. Published by the plugin host, consumed by agents. Without an instance:
   * how programs outside may write the one of {@linkcode defaultInstance}.
   */
  inbound: (plugin: string, instance?: string): Topic<InboundEvent> => ({
    subject: subjectOf("plugin.inbound", token(plugin), ...instanceOf(instance)),
    payload: inboundEventSchema,
    durable: true,
  }),
  /** How each instance of a plugin stands, whenever that changes. Ephemeral. Published by the plugin host. */
  health: (plugin: string): Topic<HealthEvent> => ({
    subject: subjectOf("plugin.health", token(plugin)),
    payload: healthEventSchema,
    durable: false,
  }),
  /** What happens inside a turn, as it happens. Ephemeral. Published by the agent, watched by console and API. */
  turn: (agent: string): Topic<z.output<typeof turnEventSchema>> => ({
    subject: subjectOf("agent.events", token(agent)),
    payload: turnEventSchema,
    durable: false,
  }),
  /** An agent's own clock ticks. Durable. */
  heartbeat: (agent: string): Topic<z.output<typeof heartbeatEventSchema>> => ({
    subject: subjectOf("agent.events", token(agent), "heartbeat"),
    payload: heartbeatEventSchema,
    durable: true,
  }),
  /** Tasks and results for an agent. Durable. */
  route: (agent: string): Topic<RouteEvent> => ({
    subject: subjectOf("agent.route", token(agent)),
    payload: routeEventSchema,
    durable: true,
  }),
  /** Wakes a flow. Durable. Published by whoever brings what the flow waits for. */
  resume: (): Topic<ResumeEvent> => ({ subject: "taskflow.resume", payload: resumeEventSchema, durable: true }),
} as const;

/** Every call there is. */
export const calls = {
  /**
   * Sends a message through a channel instance. The outbox row behind it is the durable part. Without an instance: how
   * programs outside may write the one of {@linkcode defaultInstance}.
   */
  send: (plugin: string, instance?: string): Call<z.output<typeof outboundSchema>, z.output<typeof receiptSchema>> => ({
    subject: subjectOf("plugin.outbound", token(plugin), ...instanceOf(instance)),
    input: outboundSchema,
    output: receiptSchema,
  }),
  /** Asks a channel what became of a send. */
  find: (
    plugin: string,
    instance: string,
  ): Call<{ key: string }, { receipt?: z.output<typeof receiptSchema> | undefined }> => ({
    subject: subjectOf("plugin.find", token(plugin), token(instance)),
    repeatable: true,
    input: z.object({ key: z.string() }),
    output: z.object({ receipt: receiptSchema.optional() }),
  }),
  /** Shows that somebody is writing. */
  typing: (
    plugin: string,
    instance: string,
  ): Call<{ conversation: string; thread?: string | undefined }, { shown: boolean }> => ({
    subject: subjectOf("plugin.typing", token(plugin), token(instance)),
    repeatable: true,
    input: z.object({ conversation: z.string(), thread: z.string().optional() }),
    output: z.object({ shown: z.boolean() }),
  }),
  /** Hands a provider's webhook request to the plugin. */
  webhook: (
    plugin: string,
    instance: string,
  ): Call<z.output<typeof webhookRequestSchema>, z.output<typeof webhookResponseSchema>> => ({
    subject: subjectOf("plugin.webhook", token(plugin), token(instance)),
    input: webhookRequestSchema,
    output: webhookResponseSchema,
  }),
  /** Fetches an attachment from the provider. What it holds is read with {@linkcode calls.read}. */
  fetch: (
    plugin: string,
    instance: string,
  ): Call<{ ref: string; maxBytes: number }, z.output<typeof mediaFileSchema>> => ({
    subject: subjectOf("plugin.fetch", token(plugin), token(instance)),
    repeatable: true,
    input: z.object({ ref: z.string(), maxBytes: z.number() }),
    output: mediaFileSchema,
  }),
  /** Reads a piece of a fetched file, which may lie in another process's data folder. */
  read: (
    plugin: string,
    instance: string,
  ): Call<{ path: string; offset: number; maxBytes: number }, { base64: string }> => ({
    subject: subjectOf("plugin.read", token(plugin), token(instance)),
    repeatable: true,
    input: z.object({
      path: z.string().max(4_000),
      offset: z.number().int().nonnegative(),
      maxBytes: z.number().int().positive().max(largestPieceBytes),
    }),
    output: z.object({ base64: z.string() }),
  }),
  /** Runs a tool of the plugin. */
  tool: (
    plugin: string,
    instance: string,
  ): Call<z.output<typeof pluginToolCallSchema>, z.output<typeof pluginToolAnswerSchema>> => ({
    subject: subjectOf("plugin.tool", token(plugin), token(instance)),
    input: pluginToolCallSchema,
    output: pluginToolAnswerSchema,
  }),
  /** Puts a piece of a file that is to be sent into the instance's folder. Gives how many bytes of it are there. */
  store: (
    plugin: string,
    instance: string,
  ): Call<z.output<typeof filePieceSchema>, { sizeBytes: number }> => ({
    subject: subjectOf("plugin.store", token(plugin), token(instance)),
    repeatable: true,
    input: filePieceSchema,
    output: z.object({ sizeBytes: z.number() }),
  }),
} as const;

function token(part: string): string {
  return part === "*" || part === ">" ? part : toSubjectToken(part);
}
