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

/** Query of `GET /api/channels/:plugin/:instance/conversations`. */
export const conversationFilterSchema = z.object({
  /** Part of the conversation's id or of its title. */
  search: z.string().max(200).default(""),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Which conversations of an instance. */
export type ConversationFilter = z.output<typeof conversationFilterSchema>;

/** A conversation that an instance has had. */
export const conversationViewSchema = z.object({
  /** As the provider names it. */
  conversation: z.string(),
  thread: z.string().nullable(),
  /** Who or what it is about; may be empty. */
  title: z.string(),
  /** ISO 8601 UTC, of the newest message. */
  lastAt: z.string(),
});
/** A conversation that an instance has had. */
export type ConversationView = z.output<typeof conversationViewSchema>;
/** Answer of `GET /api/channels/:plugin/:instance/conversations`, newest first. */
export const conversationsAnswerSchema = z.object({ items: z.array(conversationViewSchema) });

/** Whom the config lets talk on an instance; beside them those whom an operator has let in. */
export const channelAccessSchema = z.object({
  agent: z.string(),
  /** Everybody may talk. */
  open: z.boolean(),
  /** Ids and @handles. */
  allowFrom: z.array(z.string()),
  /** Whether an unknown sender gets a code. */
  pairing: z.boolean(),
  groups: z.enum(["off", "mention", "all"]),
  /** Ids of groups; empty: any whose sender may talk. */
  allowGroups: z.array(z.string()),
});
/** Whom the config lets talk on an instance. */
export type ChannelAccess = z.output<typeof channelAccessSchema>;
/** Answer of `GET /api/channels/:plugin/:instance/access`: one for each agent that hears it. */
export const channelAccessAnswerSchema = z.object({ items: z.array(channelAccessSchema) });

/** Body of `POST /api/channels/:plugin/:instance/test`. */
export const channelTestSchema = z.strictObject({
  /** As the provider names it. */
  conversation: z.string().trim().min(1, "must not be empty: name the conversation to send to").max(500),
  thread: z.string().min(1).max(500).optional(),
  text: z.string().trim().min(1).max(4_000).default("This is a test message of nexo. This channel can send."),
  /** The same key is the same message: it is sent once. Absent: a new one. */
  key: z.string().min(1).max(200).optional(),
});
/** A test message. */
export type ChannelTest = z.output<typeof channelTestSchema>;
/** Answer of `POST /api/channels/:plugin/:instance/test`. */
export const channelTestAnswerSchema = z.object({
  /** `waiting`: it is in the outbox, and is tried until it is too old. `dead`: it is a dead letter. */
  state: z.enum(["sent", "waiting", "dead"]),
  key: z.string(),
  /** The provider's ids of what was sent: one for each part. */
  providerMessageIds: z.array(z.string()),
  /** Why it is not sent. */
  reason: z.string().optional(),
});
/** What became of a test message. */
export type ChannelTestAnswer = z.output<typeof channelTestAnswerSchema>;
