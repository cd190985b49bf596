import { areJidsSameUser, jidNormalizedUser, normalizeMessageContent, type proto, type WAMessage } from "baileys";
import type { Inbound } from "../../src/core/message.ts";
import { toPhoneJid } from "./journal.ts";
import { toAttachments } from "./media_ref.ts";

/** Who this account is: its phone number and its hidden number. */
export interface OwnJids {
  readonly id: string;
  readonly lid?: string | undefined;
}

/** What becomes of a message: something for the runtime, or nothing and why. */
export type Mapped =
  | { readonly kind: "message"; readonly message: Inbound }
  | { readonly kind: "skipped"; readonly reason: string };

/** What mapping needs. */
export interface InboundDeps {
  readonly me: OwnJids;
  /** See {@linkcode Journal.toConversation}. */
  toConversation(jid: string, otherJid: string | undefined): string;
}

/** `proto.Message.ProtocolMessage.Type`, of which the values are not loaded here. */
const messageEdit = 14;

/** Maps one message. */
export function toInbound(received: WAMessage, deps: InboundDeps): Mapped {
  const { key, messageTimestamp, pushName } = received;
  if (key.fromMe) return skip("from_me");
  if (!key.remoteJid || !key.id) return skip("without_chat");
  const isGroup = key.remoteJid.endsWith("@g.us");
  if (!isGroup && !/@(s\.whatsapp\.net|lid|hosted|hosted\.lid)$/.test(key.remoteJid)) return skip("not_a_chat");
  const outer = normalizeMessageContent(received.message ?? undefined);
  const edited = outer?.protocolMessage?.type === messageEdit ? outer.protocolMessage : undefined;
  const content = edited === undefined ? outer : normalizeMessageContent(edited.editedMessage ?? undefined);
  if (!content) return skip("empty");
  const attachments = toAttachments(content);
  const text = toText(content) ?? (attachments.length > 0 ? "" : undefined);
  if (text === undefined) return skip("service_message");
  const chat = jidNormalizedUser(key.remoteJid);
  const participant = isGroup ? jidNormalizedUser(key.participant ?? undefined) : undefined;
  const otherJid = toKnownJid(isGroup ? key.participantAlt : key.remoteJidAlt);
  const sender = participant ?? chat;
  const context = findContext(content);
  return {
    kind: "message",
    message: {
      conversation: isGroup ? chat : deps.toConversation(chat, otherJid),
      providerMessageId: toProviderId(key.id, participant),
      sender: toSender(sender, otherJid, pushName ?? ""),
      text,
      attachments,
      isGroup,
      mentionsMe: isGroup && mentions(context, deps.me),
      ...toQuoted(content, context, isGroup),
      ...(edited?.key?.id ? { edits: toProviderId(edited.key.id, participant) } : {}),
      ...toSentAt(Number(messageTimestamp)),
    },
  };
}

function toSentAt(seconds: number): Pick<Inbound, "sentAt"> {
  return seconds > 0 && seconds < 1e11 ? { sentAt: new Date(seconds * 1_000).toISOString() } : {};
}

function skip(reason: string): Mapped {
  return { kind: "skipped", reason };
}

/** Id of a message: in a group with its author, without whom it cannot be quoted. */
function toProviderId(id: string, participant: string | undefined): string {
  return participant ? `${id}/${participant}` : id;
}

/** Reads {@linkcode toProviderId} back. */
export function parseProviderId(providerId: string): { readonly id: string; readonly participant?: string } {
  const slash = providerId.indexOf("/");
  if (slash < 0) return { id: providerId };
  return { id: providerId.slice(0, slash), participant: providerId.slice(slash + 1) };
}

function toKnownJid(jid: string | null | undefined): string | undefined {
  return jid ? jidNormalizedUser(jid) : undefined;
}

function toSender(jid: string, otherJid: string | undefined, name: string): Inbound["sender"] {
  const phoneJid = toPhoneJid(jid, otherJid);
  return {
    id: phoneJid ?? jid,
    ...(name === "" ? {} : { name: name.slice(0, 500) }),
    ...(phoneJid === undefined ? {} : { handle: phoneJid.slice(0, phoneJid.indexOf("@")) }),
    ...(otherJid === undefined ? {} : { aliases: [phoneJid === otherJid ? jid : otherJid] }),
  };
}

/** What was said, or `undefined` where nothing was: a key was passed on, a message was taken back. */
function toText(content: proto.IMessage): string | undefined {
  const said = content.conversation || content.extendedTextMessage?.text || content.imageMessage?.caption ||
    content.videoMessage?.caption || content.documentMessage?.caption;
  if (said) return said;
  const { reactionMessage, locationMessage, liveLocationMessage, contactMessage, contactsArrayMessage } = content;
  if (reactionMessage) {
    return reactionMessage.text ? `[Reacted with ${reactionMessage.text}]` : "[Took the reaction back]";
  }
  const place = locationMessage ?? liveLocationMessage;
  if (place) {
    const name = [locationMessage?.name, locationMessage?.address].filter(Boolean).join(", ");
    return `[Location${name && ` ${name}`}: ${place.degreesLatitude ?? 0}, ${place.degreesLongitude ?? 0}]`;
  }
  if (contactMessage) return toContactText([contactMessage]);
  if (contactsArrayMessage) return toContactText(contactsArrayMessage.contacts ?? []);
  const poll = content.pollCreationMessage ?? content.pollCreationMessageV2 ?? content.pollCreationMessageV3;
  if (poll) return `[Poll: ${poll.name ?? ""} ${(poll.options ?? []).map((one) => one.optionName ?? "").join(" / ")}]`;
  return undefined;
}

function toContactText(contacts: readonly proto.Message.IContactMessage[]): string {
  const shown = contacts.map(({ displayName, vcard }) => {
    const number = /waid=(\d{5,20})/.exec(vcard ?? "")?.[1];
    return `${displayName ?? "somebody"}${number === undefined ? "" : `, +${number}`}`;
  });
  return `[Contact: ${shown.join("; ")}]`;
}

function findContext(content: proto.IMessage): proto.IContextInfo | undefined {
  return content.extendedTextMessage?.contextInfo ?? content.imageMessage?.contextInfo ??
    content.videoMessage?.contextInfo ?? content.audioMessage?.contextInfo ?? content.documentMessage?.contextInfo ??
    content.stickerMessage?.contextInfo ?? content.locationMessage?.contextInfo ?? undefined;
}

function mentions(context: proto.IContextInfo | undefined, { id, lid }: OwnJids): boolean {
  const addressed = [...context?.mentionedJid ?? [], context?.participant];
  return addressed.some((jid) => jid && (areJidsSameUser(jid, id) || areJidsSameUser(jid, lid)));
}

function toQuoted(
  content: proto.IMessage,
  context: proto.IContextInfo | undefined,
  isGroup: boolean,
): Pick<Inbound, "quoted"> {
  const reacted = content.reactionMessage?.key;
  const id = reacted?.id ?? context?.stanzaId;
  if (!id) return {};
  const author = isGroup ? toKnownJid(reacted?.participant ?? context?.participant) : undefined;
  const quoted = normalizeMessageContent(context?.quotedMessage ?? undefined);
  const text = quoted && toText(quoted);
  return {
    quoted: { providerMessageId: toProviderId(id, author), ...(text ? { text: text.slice(0, 100_000) } : {}) },
  };
}
