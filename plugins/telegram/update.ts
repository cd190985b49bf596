import { z } from "zod";

const id = z.number().int();

const user = z.object({
  id,
  is_bot: z.boolean().optional(),
  first_name: z.string().default(""),
  last_name: z.string().optional(),
  username: z.string().optional(),
});
/** A person or bot. */
export type TelegramUser = z.output<typeof user>;

const chat = z.object({ id, type: z.string(), title: z.string().optional(), username: z.string().optional() });

const entity = z.object({ type: z.string(), offset: z.number(), length: z.number(), user: user.optional() });

const file = z.object({
  file_id: z.string(),
  file_size: z.number().int().nonnegative().optional(),
  mime_type: z.string().optional(),
  file_name: z.string().optional(),
});
/** A file of any kind that came with a message. */
export type TelegramFile = z.output<typeof file>;

const place = z.object({ latitude: z.number(), longitude: z.number(), live_period: z.number().optional() });

const origin = z.discriminatedUnion("type", [
  z.object({ type: z.literal("user"), sender_user: user }),
  z.object({ type: z.literal("hidden_user"), sender_user_name: z.string() }),
  z.object({ type: z.literal("chat"), sender_chat: chat }),
  z.object({ type: z.literal("channel"), chat, message_id: id }),
]);
/** Where a forwarded message came from. */
export type TelegramOrigin = z.output<typeof origin>;

const shown = {
  text: z.string().optional(),
  caption: z.string().optional(),
};

const message = z.looseObject({
  message_id: id,
  /** Of a message that only we can see; such messages all have the id 0. */
  ephemeral_message_id: id.optional(),
  message_thread_id: id.optional(),
  is_topic_message: z.boolean().optional(),
  from: user.optional(),
  sender_chat: chat.optional(),
  date: z.number(),
  edit_date: z.number().optional(),
  chat,
  is_automatic_forward: z.boolean().optional(),
  forward_origin: origin.optional(),
  reply_to_message: z.object({ message_id: id, from: user.optional(), ...shown }).optional(),
  quote: z.object({ text: z.string() }).optional(),
  ...shown,
  entities: z.array(entity).default([]),
  caption_entities: z.array(entity).default([]),
  photo: z.array(file).optional(),
  voice: file.optional(),
  audio: file.optional(),
  video: file.optional(),
  video_note: file.optional(),
  animation: file.optional(),
  document: file.optional(),
  sticker: z.object({ emoji: z.string().optional(), set_name: z.string().optional() }).optional(),
  location: place.optional(),
  venue: z.object({ title: z.string(), address: z.string() }).optional(),
  contact: z.object({ first_name: z.string(), last_name: z.string().optional(), phone_number: z.string() }).optional(),
  poll: z.object({ question: z.string(), options: z.array(z.object({ text: z.string() })) }).optional(),
  dice: z.object({ emoji: z.string(), value: z.number() }).optional(),
});
/** A message, as far as we read it. */
export type TelegramMessage = z.output<typeof message>;

/** An update of the Bot API, as far as we read it: https://core.telegram.org/bots/api#update. */
export const updateSchema = z.looseObject({
  update_id: id,
  message: message.optional(),
  edited_message: message.optional(),
});
/** An update of the Bot API, as far as we read it. */
export type TelegramUpdate = z.output<typeof updateSchema>;

/** Kinds of updates that we ask Telegram for. */
export const wantedUpdates = ["message", "edited_message"] as const;
