import { z } from "zod";

/** A channel instance, as lists show it. */
export const channelViewSchema = z.object({
  plugin: z.string(),
  instance: z.string(),
  state: z.enum(["starting", "up", "degraded", "down"]),
  /** A sentence with the remedy. Always there when the state is not `up`. */
  reason: z.string().optional(),
  /** Who the instance is with its provider: `@my_bot`. */
  identity: z.string().optional(),
  /** ISO 8601 UTC, of the newest message that came in since the process began: an open connection alone proves little. */
  lastInboundAt: z.string().optional(),
  /** ISO 8601 UTC, of the newest message that the provider took since the process began. */
  lastOutboundAt: z.string().optional(),
  /** How to link its account, while it waits for that: by scanning a QR code of this text, or by typing a code. */
  pairing: z.union([
    z.object({ qr: z.string(), expiresAt: z.string() }),
    z.object({ code: z.string() }),
  ]).optional(),
  /** Agents that hear it. */
  agents: z.array(z.string()),
});
/** A channel instance, as lists show it. */
export type ChannelView = z.output<typeof channelViewSchema>;

/** Answer of `GET /api/channels`. */
export const channelsAnswerSchema = z.object({ channels: z.array(channelViewSchema) });

/** Body of `POST /api/channels/:plugin/:instance/restart`. */
export const channelRestartSchema = z.strictObject({
  /** Forget the link with the account, so that it is linked anew. */
  unlink: z.boolean().default(false),
});
/** Answer of `POST /api/channels/:plugin/:instance/restart`. */
export const channelRestartAnswerSchema = z.object({ ok: z.literal(true) });
