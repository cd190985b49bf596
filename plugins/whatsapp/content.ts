import { areJidsSameUser, jidNormalizedUser, proto, type WASocket } from "baileys";
import { AppError } from "../../src/core/error.ts";
import type { Outbound, OutboundFile } from "../../src/core/message.ts";
import { toRichText } from "../../src/lib/rich_text.ts";
import { splitRichText } from "../../src/lib/split_rich_text.ts";
import { readOutgoing } from "../../src/sdk/outgoing.ts";
import { parseProviderId } from "./inbound.ts";
import type { Journal } from "./journal.ts";
import { toWhatsAppText } from "./markup.ts";
import type { MediaRef } from "./media_ref.ts";
import { uploadFile } from "./upload.ts";

/**
 * Longest text of one message in UTF-16 units: what WhatsApp's own API for businesses takes. Phones would take 65,536,
 * and fold them away.
 */
export const maxTextUnits = 4_096;
/** Longest text below a picture or file, as the same API has it. */
const maxCaptionUnits = 1_024;

/** What making the content of messages needs. */
export interface ContentDeps {
  /** @throws {AppError} `unavailable` while there is no connection. */
  socket(): WASocket;
  readonly journal: Pick<Journal, "findContent">;
  /** Whether the text is Markdown to be shown as formatting. */
  readonly markdown: boolean;
  /** Text of a message that was received lately. */
  findReceived(providerMessageId: string): string | undefined;
  /** Address of the file server. */
  readonly mediaUrl: string;
  /** Folder with the files that go out. */
  readonly outgoing: string;
}

/** Makes one part of a message. @throws {AppError} `unavailable` where a file cannot be uploaded; `missing` where it is gone. */
type MakeContent = (signal: AbortSignal) => Promise<proto.IMessage>;

/** The parts of a message, in order. @throws {AppError} `invalid` where there is nothing to send. */
export function toContents(deps: ContentDeps, message: Outbound): readonly MakeContent[] {
  if (message.act !== undefined) {
    const content = message.act.kind === "edit"
      ? toEdit(deps, message, message.act)
      : toReaction(deps, message, message.act);
    return [() => Promise.resolve(content)];
  }
  const files = message.files ?? [];
  const [first] = files;
  const isCaption = first !== undefined && message.text.length <= maxCaptionUnits && toKind(first, message) !== "audio";
  const texts = isCaption || (first !== undefined && message.text.trim() === "")
    ? []
    : toTexts(message.text, deps.markdown);
  const caption = isCaption && message.text.trim() !== "" ? toTexts(message.text, deps.markdown)[0] : undefined;
  const context = toContext(deps, message);
  return [
    ...texts.map((text, index): MakeContent => () =>
      Promise.resolve(toTextContent(text, index === 0 ? context : undefined))
    ),
    ...files.map((file, index): MakeContent => (signal) =>
      toFileContent(deps, file, {
        kind: toKind(file, message),
        caption: index === 0 ? caption : undefined,
        context: index + texts.length === 0 ? context : undefined,
        isVoice: message.filesAs === "voice",
      }, signal)
    ),
  ];
}

/** @throws {AppError} `invalid` where there is nothing to send. */
function toTexts(text: string, markdown: boolean): readonly string[] {
  const parts = splitRichText(markdown ? toRichText(text) : { text, entities: [] }, maxTextUnits);
  const verbatim = parts.length > 0 ? parts : splitRichText({ text, entities: [] }, maxTextUnits);
  if (verbatim.length === 0) throw new AppError("invalid", "The message has no text to send");
  return verbatim.map(toWhatsAppText);
}

function toTextContent(text: string, contextInfo: proto.IContextInfo | undefined): proto.IMessage {
  return contextInfo === undefined ? { conversation: text } : { extendedTextMessage: { text, contextInfo } };
}

type FileKind = "image" | "video" | "audio" | "document";

function toKind({ mimeType }: OutboundFile, { filesAs }: Outbound): FileKind {
  if (filesAs === "voice") return "audio";
  if (filesAs !== undefined) return filesAs;
  if (mimeType === "image/jpeg" || mimeType === "image/png" || mimeType === "image/webp") return "image";
  if (mimeType === "video/mp4") return "video";
  return mimeType.startsWith("audio/") ? "audio" : "document";
}

const keyKinds: Readonly<Record<FileKind, MediaRef["keyKind"]>> = {
  image: "Image",
  video: "Video",
  audio: "Audio",
  document: "Document",
};

async function toFileContent(
  deps: ContentDeps,
  file: OutboundFile,
  { kind, caption, context, isVoice }: {
    readonly kind: FileKind;
    readonly caption: string | undefined;
    readonly context: proto.IContextInfo | undefined;
    readonly isVoice: boolean;
  },
  signal: AbortSignal,
): Promise<proto.IMessage> {
  const { mimeType, name } = file;
  const bytes = await readOutgoing(deps.outgoing, file);
  const uploaded = await uploadFile({ socket: deps.socket(), mediaUrl: deps.mediaUrl }, keyKinds[kind], bytes, signal);
  const common = {
    ...uploaded,
    ...(caption === undefined ? {} : { caption }),
    ...(context === undefined ? {} : { contextInfo: context }),
  };
  switch (kind) {
    case "image":
      return { imageMessage: { ...common, mimetype: mimeType } };
    case "video":
      return { videoMessage: { ...common, mimetype: mimeType } };
    case "audio":
      return {
        audioMessage: {
          ...common,
          // Phones show as a voice message only what is Opus in Ogg.
          ptt: isVoice && mimeType === "audio/ogg",
          mimetype: mimeType === "audio/ogg" ? "audio/ogg; codecs=opus" : mimeType,
        },
      };
    case "document":
      return { documentMessage: { ...common, mimetype: mimeType, fileName: name, title: name } };
  }
}

/** What a message shows as that which it answers. In a group many talk at once; between two it would only be noise. */
function toContext(deps: ContentDeps, { quotes, conversation, inReplyTo }: Outbound): proto.IContextInfo | undefined {
  const quoted = quotes ?? (conversation.endsWith("@g.us") ? inReplyTo.at(-1) : undefined);
  if (quoted === undefined) return undefined;
  const { key, isOurs } = toKey(deps, conversation, quoted);
  const participant = isOurs
    ? toOwnJid(deps)
    : key.participant ?? (conversation.endsWith("@g.us") ? undefined : conversation);
  if (!participant) return undefined;
  const ours = isOurs ? deps.journal.findContent(key.id ?? "") : undefined;
  const quotedMessage = ours === undefined
    ? { conversation: deps.findReceived(quoted) ?? "" }
    : proto.Message.decode(ours);
  return { stanzaId: key.id ?? "", participant, quotedMessage };
}

/** `proto.Message.ProtocolMessage.Type.MESSAGE_EDIT`. */
const messageEdit = 14;

/** @throws {AppError} `denied` for a message that is not ours. */
function toEdit(
  deps: ContentDeps,
  { conversation, text }: Outbound,
  { providerMessageId }: NonNullable<Outbound["act"]>,
): proto.IMessage {
  const { key, isOurs } = toKey(deps, conversation, providerMessageId);
  if (!isOurs) {
    throw new AppError("denied", `${providerMessageId} is no message that this account has sent lately`, {
      reason: "not_own_message",
    });
  }
  const [whole = "", ...more] = toTexts(text, deps.markdown);
  if (more.length > 0) {
    throw new AppError("invalid", `The text is longer than the ${maxTextUnits} characters of one message`);
  }
  return {
    protocolMessage: { key, type: messageEdit, editedMessage: { conversation: whole }, timestampMs: Date.now() },
  };
}

function toReaction(
  deps: ContentDeps,
  { conversation, text }: Outbound,
  { providerMessageId }: NonNullable<Outbound["act"]>,
): proto.IMessage {
  const { key } = toKey(deps, conversation, providerMessageId);
  return { reactionMessage: { key, text, senderTimestampMs: Date.now() } };
}

/** How WhatsApp names a message of a conversation. */
function toKey(
  { journal, socket }: ContentDeps,
  conversation: string,
  providerMessageId: string,
): { readonly key: proto.IMessageKey; readonly isOurs: boolean } {
  const { id, participant } = parseProviderId(providerMessageId);
  const own = toOwnJids(socket());
  const isOurs = participant === undefined
    ? journal.findContent(id) !== undefined
    : own.some((jid) => areJidsSameUser(jid, participant));
  const author = conversation.endsWith("@g.us") && !isOurs && participant !== undefined ? { participant } : {};
  return { key: { remoteJid: conversation, id, fromMe: isOurs, ...author }, isOurs };
}

function toOwnJids({ user }: WASocket): readonly string[] {
  return [user?.id, user?.lid].flatMap((jid) => jid === undefined ? [] : [jidNormalizedUser(jid)]);
}

function toOwnJid({ socket }: ContentDeps): string | undefined {
  return toOwnJids(socket())[0];
}
