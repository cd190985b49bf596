import { z } from "zod";

/** Half a surrogate pair becomes U+FFFD: many a channel refuses a text that holds one. */
function wellFormed(text: z.ZodString): z.ZodString {
  return text.overwrite((value) => value.toWellFormed());
}

/** A file that came with a message. The bytes stay with the provider until a turn asks for them. */
export const attachmentSchema = z.object({
  kind: z.enum(["image", "audio", "video", "document"]),
  mimeType: z.string().max(200),
  name: z.string().max(500).optional(),
  sizeBytes: z.number().int().nonnegative().optional(),
  /**
   * The provider's handle of the file, opaque to everybody but the plugin that made it. Or the file itself as a
   * `data:` URL, where the sender handed it in.
   */
  ref: z.string().max(20_000_000).refine(
    (ref) => ref.length <= 4_000 || ref.startsWith("data:"),
    "must have at most 4000 characters, unless it is a data: URL",
  ),
});
/** A file that came with a message. */
export type Attachment = z.output<typeof attachmentSchema>;

/** Who wrote a message, as the provider knows them. */
export const senderSchema = z.object({
  /** The provider's id of the person; what allow-lists are matched against. */
  id: z.string().min(1).max(500),
  name: z.string().max(500).optional(),
  /** Handle without `@`, where the provider has one; allow-lists may name it as `@handle`. */
  handle: z.string().max(500).optional(),
  /** Other ids under which the provider knows the same person. */
  aliases: z.array(z.string().min(1).max(500)).max(5).optional(),
});
/** Who wrote a message. */
export type Sender = z.output<typeof senderSchema>;

/** An earlier exchange that the sender hands in with the message (OpenAI-style clients without a conversation id). */
const priorMessageSchema = z.object({ role: z.enum(["user", "assistant"]), text: z.string() });

/** One message from outside, as a plugin gives it to the runtime. */
export const inboundSchema = z.object({
  /** The chat, group or mail thread: where a reply goes, and the unit of order. */
  conversation: z.string().min(1).max(500),
  thread: z.string().max(500).optional(),
  /** Unique within (plugin, instance, conversation) for ever: the key of the dedupe. */
  providerMessageId: z.string().min(1).max(500),
  sender: senderSchema,
  text: wellFormed(z.string().max(1_000_000)).default(""),
  /** What the channel tells the agent about the message, above its text: a subject, who vouches for the sender. */
  heading: z.string().max(2_000).optional(),
  /** Nobody vouches that `sender` wrote it: the agent gets heading and text as material, not as something asked of it. */
  untrusted: z.boolean().optional(),
  /** What the text quoted, at its end, of messages that the agent has seen: kept for people, not shown to the model. */
  quotedTail: z.string().max(200_000).optional(),
  attachments: z.array(attachmentSchema).max(50).default([]),
  isGroup: z.boolean().default(false),
  /** In a group: whether the message addresses the bot (mention, reply to it, command). */
  mentionsMe: z.boolean().default(false),
  /** Text of the message that this one replies to. */
  quoted: z.object({ providerMessageId: z.string().max(500), text: z.string().max(100_000).optional() }).optional(),
  /** Provider message id of the message that this one is a new version of. */
  edits: z.string().max(500).optional(),
  /** When the sender sent it, ISO 8601 UTC. */
  sentAt: z.string().max(40).optional(),
  history: z.array(priorMessageSchema).max(1_000).optional(),
  /** W3C trace context of whoever sent it. */
  traceparent: z.string().max(100).optional(),
});
/** One message from outside. */
export type Inbound = z.output<typeof inboundSchema>;
/** The same as a plugin writes it: what has a default may be left out. */
export type InboundDraft = z.input<typeof inboundSchema>;

/** A file that goes out with a message. */
export const outboundFileSchema = z.object({
  /** SHA-256 of its bytes in hexadecimal: its name in the folder `outgoing` of the instance that sends it. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What the other side sees. */
  name: z.string().min(1).max(300),
  mimeType: z.string().max(200),
  sizeBytes: z.number().int().nonnegative(),
});
/** A file that goes out with a message. */
export type OutboundFile = z.output<typeof outboundFileSchema>;

/** What a message does to one that is there already. */
const actSchema = z.discriminatedUnion("kind", [
  /** The text replaces that of a message of ours. */
  z.object({ kind: z.literal("edit"), providerMessageId: z.string().min(1).max(500) }),
  /** The text, one emoji, is shown at a message; an empty one takes the reaction back. */
  z.object({ kind: z.literal("react"), providerMessageId: z.string().min(1).max(500) }),
]);

/** One message to the outside, as a row of the outbox holds it. */
export const outboundSchema = z.object({
  /** Idempotency key: the same key is the same message, for ever. */
  key: z.string().min(1).max(500),
  conversation: z.string().min(1).max(500),
  thread: z.string().max(500).optional(),
  /** Empty where no turn made it. */
  sessionId: z.string().max(2_000).default(""),
  turnId: z.string().max(100).default(""),
  /** Provider message ids of the messages that this one answers, oldest first. */
  inReplyTo: z.array(z.string()).default([]),
  /** Markdown. */
  text: wellFormed(z.string()),
  /** For channels that have subjects. Absent: that of what is answered, else the first words. */
  subject: z.string().max(500).optional(),
  /** The message that is shown with this one as what it answers. Absent: as the channel is used to. */
  quotes: z.string().min(1).max(500).optional(),
  files: z.array(outboundFileSchema).max(10).optional(),
  /** How the files are shown. Absent: as their types ask for. */
  filesAs: z.enum(["image", "video", "voice", "document"]).optional(),
  /** Absent: a new message. */
  act: actSchema.optional(),
  /** `failed`: the text tells the user that no answer could be made; `error` says why to programs. */
  outcome: z.enum(["answered", "failed"]).default("answered"),
  error: z.object({ kind: z.string(), message: z.string() }).optional(),
  /** W3C trace context of the turn. */
  traceparent: z.string().optional(),
});
/** One message to the outside. */
export type Outbound = z.output<typeof outboundSchema>;

/** Key of the reply that a turn sends. */
export function toReplyKey(turnId: string): string {
  return `${turnId}:reply`;
}

/** Key of the word that a refused event is answered with. */
export function toRefusalKey(eventId: string): string {
  return `${eventId}:refused`;
}

/** Key of the message that a call of a tool sends. */
export function toToolKey(idempotencyKey: string): string {
  return `${idempotencyKey}:sent`;
}

/** What the provider said when it took a message. */
export const receiptSchema = z.object({
  /** The provider's ids of what was sent: one for each part that a long message was split into. */
  providerMessageIds: z.array(z.string()),
});
/** What the provider said when it took a message. */
export type Receipt = z.output<typeof receiptSchema>;

/** A file that a plugin fetched from its provider into its own folder. */
export const mediaFileSchema = z.object({
  /** Path of the file in the process that fetched it. */
  path: z.string(),
  mimeType: z.string(),
  sizeBytes: z.number().int().nonnegative(),
});
/** A file that a plugin fetched from its provider. */
export type MediaFile = z.output<typeof mediaFileSchema>;

/** A request of a provider to our public webhook address, as the plugin sees it. */
export const webhookRequestSchema = z.object({
  method: z.string(),
  /** Lower-case names. */
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
/** A request of a provider to our public webhook address. */
export type WebhookRequest = z.output<typeof webhookRequestSchema>;

/** What the provider is answered. */
export const webhookResponseSchema = z.object({ status: z.number().int(), body: z.string().default("") });
/** What the provider is answered. */
export type WebhookResponse = z.output<typeof webhookResponseSchema>;
