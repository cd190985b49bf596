import { z } from "zod";
import { type ErrorKind, errorKinds } from "../core/error.ts";
import { inboundSchema, outboundSchema, webhookRequestSchema } from "../core/message.ts";
import { pluginToolCallSchema } from "../core/plugin_tool.ts";

/** Messages that a worker may hand over before the host must have answered one of them. */
export const receiveCredits = 64;

const requestId = z.number().int().nonnegative();

const kindNames = Object.keys(errorKinds).filter((name): name is ErrorKind => name in errorKinds);

/** An error as it crosses the port. */
export const errorRecordSchema = z.object({
  kind: z.enum(kindNames),
  message: z.string(),
  reason: z.string().exactOptional(),
  retryAfterMs: z.number().exactOptional(),
});

/** What became of a request, whichever side made it. */
const answerSchema = z.object({
  type: z.literal("answer"),
  id: requestId,
  outcome: z.discriminatedUnion("ok", [
    z.object({ ok: z.literal(true), value: z.unknown().optional() }),
    z.object({ ok: z.literal(false), error: errorRecordSchema }),
  ]),
});
/** What became of a request, whichever side made it. */
export type Answer = z.output<typeof answerSchema>;

/** What the host asks of a channel. */
const channelRequestSchema = z.discriminatedUnion("method", [
  z.object({ method: z.literal("send"), message: outboundSchema }),
  z.object({ method: z.literal("find"), key: z.string() }),
  z.object({ method: z.literal("typing"), conversation: z.string(), thread: z.string().optional() }),
  z.object({ method: z.literal("webhook"), request: webhookRequestSchema }),
  z.object({ method: z.literal("fetch"), ref: z.string(), maxBytes: z.number() }),
  z.object({ method: z.literal("tool"), call: pluginToolCallSchema }),
]);
/** What the host asks of a channel. */
export type ChannelRequest = z.output<typeof channelRequestSchema>;

/** What the worker asks of the host. */
const hostRequestSchema = z.discriminatedUnion("method", [
  z.object({ method: z.literal("receive"), message: inboundSchema }),
  z.object({ method: z.literal("secret"), name: z.string() }),
]);
/** What the worker asks of the host. */
export type HostRequest = z.output<typeof hostRequestSchema>;

/** Everything that the host says to a worker. Each message is one JSON text. */
export const hostMessageSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("start"),
    instance: z.string(),
    stateDir: z.string(),
    /** The plugin's config as JSON; a secret in it reads `[secret]`. */
    config: z.unknown(),
    /** How many `receive` requests may be open at once: each answer gives one back. */
    credits: z.number().int().positive(),
  }),
  z.object({ type: z.literal("ping") }),
  z.object({ type: z.literal("request"), id: requestId, request: channelRequestSchema }),
  z.object({ type: z.literal("abort"), id: requestId }),
  z.object({ type: z.literal("stopReceiving") }),
  z.object({ type: z.literal("dispose") }),
  answerSchema,
]);
/** Everything that the host says to a worker. */
export type HostMessage = z.output<typeof hostMessageSchema>;

const logValue = z.union([z.string(), z.number(), z.boolean()]);

/** Everything that a worker says to the host. Each message is one JSON text. */
export const workerMessageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  /** `open` threw. */
  z.object({ type: z.literal("failed"), error: errorRecordSchema }),
  z.object({ type: z.literal("pong") }),
  z.object({ type: z.literal("request"), id: requestId, request: hostRequestSchema }),
  answerSchema,
  z.object({
    type: z.literal("log"),
    level: z.enum(["debug", "info", "warn", "error"]),
    event: z.string().max(200),
    fields: z.record(z.string(), logValue),
  }),
  z.object({
    type: z.literal("health"),
    health: z.object({
      state: z.enum(["starting", "up", "degraded", "down"]),
      reason: z.string().max(2_000).exactOptional(),
      identity: z.string().max(500).exactOptional(),
      pairing: z.union([
        z.object({ qr: z.string().max(2_000), expiresAt: z.iso.datetime() }),
        z.object({ code: z.string().max(100) }),
      ]).exactOptional(),
    }),
  }),
  z.object({ type: z.literal("receivingStopped") }),
  z.object({ type: z.literal("disposed") }),
  /** Code in the worker asked to end it. */
  z.object({ type: z.literal("left"), how: z.string().max(200) }),
]);
/** Everything that a worker says to the host. */
export type WorkerMessage = z.output<typeof workerMessageSchema>;
