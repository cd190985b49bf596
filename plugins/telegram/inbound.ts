import type { Attachment, Inbound, Sender } from "../../src/core/message.ts";
import type { TelegramFile, TelegramMessage, TelegramOrigin, TelegramUpdate, TelegramUser } from "./update.ts";

/** What becomes of an update: a message for the runtime, or nothing and why. */
export type Mapped =
  | { readonly kind: "message"; readonly message: Inbound }
  | { readonly kind: "skipped"; readonly reason: string };

/** Maps one update. `me` is the bot. */
export function toInbound(update: TelegramUpdate, me: TelegramUser): Mapped {
  const message = update.message ?? update.edited_message;
  if (message === undefined) return skip("other_kind");
  if (message.chat.type === "channel" || message.is_automatic_forward) return skip("channel_post");
  if (message.from?.is_bot && message.sender_chat === undefined) return skip("from_a_bot");
  const isEdit = update.message === undefined;
  // A shared live location is edited every few seconds.
  if (isEdit && message.location?.live_period !== undefined) return skip("live_location");
  const sender = toSender(message);
  if (sender === undefined) return skip("without_sender");
  const attachments = toAttachments(message);
  const said = toText(message, me, attachments.length > 0);
  if (said === undefined) return skip("service_message");
  const isGroup = message.chat.type !== "private";
  const providerMessageId = toMessageId(message);
  return {
    kind: "message",
    message: {
      conversation: String(message.chat.id),
      ...toThread(message),
      // Two edits within a second have the same date; the number of the update tells them apart.
      providerMessageId: isEdit
        ? `${providerMessageId}:edit:${message.edit_date ?? message.date}.${update.update_id}`
        : providerMessageId,
      sender,
      text: message.forward_origin === undefined ? said : `[Forwarded from ${toOriginName(message.forward_origin)}]`,
      attachments,
      isGroup,
      mentionsMe: isGroup && mentions(message, me),
      ...toQuoted(message, said),
      ...(isEdit ? { edits: providerMessageId } : {}),
      sentAt: new Date((message.edit_date ?? message.date) * 1_000).toISOString(),
    },
  };
}

function skip(reason: string): Mapped {
  return { kind: "skipped", reason };
}

function toMessageId({ message_id, ephemeral_message_id, date }: TelegramMessage): string {
  return message_id === 0 ? `ephemeral:${ephemeral_message_id ?? 0}:${date}` : String(message_id);
}

function toThread({ is_topic_message, message_thread_id }: TelegramMessage): { readonly thread?: string } {
  // In other chats the field only tells which chain of replies a message belongs to.
  return is_topic_message && message_thread_id !== undefined ? { thread: String(message_thread_id) } : {};
}

/** An anonymous administrator, or somebody who writes as a channel, is that chat; the sender beside it is a placeholder. */
function toSender({ from, sender_chat }: TelegramMessage): Sender | undefined {
  if (sender_chat !== undefined) {
    return newSender(sender_chat.id, sender_chat.title ?? "", sender_chat.username);
  }
  return from && newSender(from.id, toUserName(from), from.username);
}

function newSender(id: number, name: string, handle: string | undefined): Sender {
  return {
    id: String(id),
    ...(name === "" ? {} : { name: name.slice(0, 500) }),
    ...(handle === undefined ? {} : { handle }),
  };
}

function toUserName({ first_name, last_name }: Pick<TelegramUser, "first_name" | "last_name">): string {
  return [first_name, last_name].filter(Boolean).join(" ");
}

function toAttachments(message: TelegramMessage): Attachment[] {
  const { photo, voice, audio, video, video_note, animation, document } = message;
  const largest = photo?.reduce((best, size) => (size.file_size ?? 0) >= (best.file_size ?? 0) ? size : best);
  if (largest !== undefined) return [toAttachment("image", largest, "image/jpeg")];
  if (voice !== undefined) return [toAttachment("audio", voice, "audio/ogg")];
  if (audio !== undefined) return [toAttachment("audio", audio, "audio/mpeg")];
  if (video !== undefined) return [toAttachment("video", video, "video/mp4")];
  if (video_note !== undefined) return [toAttachment("video", video_note, "video/mp4")];
  // An animation comes with the same file as a document.
  if (animation !== undefined) return [toAttachment("video", animation, "video/mp4")];
  if (document === undefined) return [];
  const isImage = document.mime_type?.startsWith("image/") ?? false;
  return [toAttachment(isImage ? "image" : "document", document, "application/octet-stream")];
}

function toAttachment(kind: Attachment["kind"], file: TelegramFile, defaultType: string): Attachment {
  const mimeType = (file.mime_type ?? defaultType).slice(0, 200);
  return {
    kind,
    mimeType,
    ...(file.file_name === undefined ? {} : { name: file.file_name.slice(0, 500) }),
    ...(file.file_size === undefined ? {} : { sizeBytes: file.file_size }),
    ref: toFileRef(file.file_id, mimeType),
  };
}

/** The handle under which an attachment is fetched: Telegram's id of the file, and the type that only the message told. */
function toFileRef(fileId: string, mimeType: string): string {
  return `${fileId} ${mimeType}`;
}

/** Reads a handle of {@linkcode toFileRef} back. */
export function parseFileRef(ref: string): { readonly fileId: string; readonly mimeType: string } {
  const space = ref.indexOf(" ");
  if (space < 0) return { fileId: ref, mimeType: "application/octet-stream" };
  return { fileId: ref.slice(0, space), mimeType: ref.slice(space + 1) };
}

/** What was said, or `undefined` where nothing was: somebody joined, a title changed. */
function toText(message: TelegramMessage, me: TelegramUser, hasAttachments: boolean): string | undefined {
  const { text, caption, sticker, location, venue, contact, poll, dice } = message;
  if (text !== undefined) return withoutBotName(text, message, me);
  if (caption !== undefined) return caption;
  if (hasAttachments) return "";
  if (sticker !== undefined) return `[Sticker ${[sticker.emoji, sticker.set_name].filter(Boolean).join(" ")}]`;
  if (venue !== undefined) return `[Place: ${venue.title}, ${venue.address}${toCoordinates(location)}]`;
  if (location !== undefined) return `[Location${toCoordinates(location)}]`;
  if (contact !== undefined) return `[Contact: ${toUserName(contact)}, ${contact.phone_number}]`;
  if (poll !== undefined) return `[Poll: ${poll.question} ${poll.options.map((option) => option.text).join(" / ")}]`;
  if (dice !== undefined) return `[Dice ${dice.emoji} shows ${dice.value}]`;
  const unreadable = unreadableKinds.find((kind) => message[kind] !== undefined);
  return unreadable && `[A message of a kind that cannot be read here: ${unreadable.replaceAll("_", " ")}]`;
}

/** Messages of people that hold nothing for an agent to read. All else without text is a service message. */
const unreadableKinds = ["story", "game", "checklist", "paid_media", "giveaway", "rich_message", "invoice", "gift"];

function toCoordinates(location: TelegramMessage["location"]): string {
  return location === undefined ? "" : `: ${location.latitude}, ${location.longitude}`;
}

/** `/start@my_bot now` becomes `/start now`: agents know commands, not the bot's name. */
function withoutBotName(text: string, { entities }: TelegramMessage, me: TelegramUser): string {
  const command = entities.find(({ type, offset }) => type === "bot_command" && offset === 0);
  if (command === undefined) return text;
  const [name = "", bot] = text.slice(0, command.length).split("@");
  return isMe(bot, me) ? name + text.slice(command.length) : text;
}

function mentions(message: TelegramMessage, me: TelegramUser): boolean {
  if (message.reply_to_message?.from?.id === me.id) return true;
  const text = message.text ?? message.caption ?? "";
  return [...message.entities, ...message.caption_entities].some(({ type, offset, length, user }) => {
    const covered = text.slice(offset, offset + length);
    if (type === "mention") return isMe(covered.slice(1), me);
    if (type === "bot_command") return isMe(covered.split("@")[1], me);
    return type === "text_mention" && user?.id === me.id;
  });
}

function isMe(name: string | undefined, { username }: TelegramUser): boolean {
  return name !== undefined && name.toLowerCase() === username?.toLowerCase();
}

/** Forwarded words are somebody else's: they come as a quotation, not as what the sender says. */
function toQuoted({ forward_origin, reply_to_message, quote }: TelegramMessage, said: string): Pick<Inbound, "quoted"> {
  if (forward_origin !== undefined) {
    const from = forward_origin.type === "channel"
      ? `${forward_origin.chat.id}:${forward_origin.message_id}`
      : "unknown";
    return { quoted: { providerMessageId: `forwarded:${from}`, text: said } };
  }
  if (reply_to_message === undefined) return {};
  const text = quote?.text ?? reply_to_message.text ?? reply_to_message.caption;
  const providerMessageId = String(reply_to_message.message_id);
  return { quoted: { providerMessageId, ...(text === undefined ? {} : { text }) } };
}

function toOriginName(origin: TelegramOrigin): string {
  switch (origin.type) {
    case "user":
      return toUserName(origin.sender_user);
    case "hidden_user":
      return origin.sender_user_name;
    case "chat":
      return origin.sender_chat.title ?? "a chat";
    case "channel":
      return origin.chat.title ?? "a channel";
  }
}
