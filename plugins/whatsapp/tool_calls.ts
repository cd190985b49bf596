import { AppError } from "../../src/core/error.ts";
import type { PluginToolAnswerDraft, PluginToolCall, ToolMessage } from "../../src/core/plugin_tool.ts";
import { type Journal, toPhoneJid } from "./journal.ts";
import { isWhatsAppTool, toolInputs } from "./tools.ts";

/** Makes the message that a tool sends. @throws {AppError} `missing` for a tool that there is not. */
export function toToolMessage(
  { name, input, conversation, messageId }: PluginToolCall,
  journal: Pick<Journal, "toConversation" | "findJids">,
): PluginToolAnswerDraft {
  if (!isWhatsAppTool(name)) throw new AppError("missing", `WhatsApp has no tool ${name}`);
  const given = toolInputs[name].parse(input);
  const chat = given.to === undefined ? conversation : toJid(given.to);
  if (chat === undefined) {
    return refuse(
      given.to === undefined ? 'You are in no chat of this account: say "to" whom' : `"${given.to}" is no number`,
    );
  }
  const target = chat === conversation ? chat : journal.toConversation(chat, undefined);
  const newest = target === conversation ? messageId : undefined;
  switch (name) {
    case "whatsapp_send":
      return toSend(journal, target, { text: toolInputs[name].parse(input).text });
    case "whatsapp_send_media": {
      const { caption, kind } = toolInputs[name].parse(input);
      return toSend(journal, target, { text: caption, ...(kind === undefined ? {} : { filesAs: kind }) });
    }
    case "whatsapp_reply": {
      const { text, message: quotes = newest } = toolInputs[name].parse(input);
      return quotes === undefined ? refuse(noMessage) : toSend(journal, target, { text, quotes });
    }
    case "whatsapp_react": {
      const { emoji, message: providerMessageId = newest } = toolInputs[name].parse(input);
      if (providerMessageId === undefined) return refuse(noMessage);
      return toSend(journal, target, { text: emoji, act: { kind: "react", providerMessageId } });
    }
    case "whatsapp_edit": {
      const { text, message: providerMessageId } = toolInputs[name].parse(input);
      return toSend(journal, target, { text, act: { kind: "edit", providerMessageId } });
    }
  }
}

const noMessage = 'You answer no message of this chat: say which "message"';

function refuse(text: string): PluginToolAnswerDraft {
  return { content: [{ type: "text", text }], isError: true };
}

function toSend(
  journal: Pick<Journal, "findJids">,
  conversation: string,
  message: Pick<ToolMessage, "text" | "quotes" | "filesAs" | "act">,
): PluginToolAnswerDraft {
  if (conversation.endsWith("@g.us")) return { send: { conversation, ...message } };
  const jids = [conversation, ...journal.findJids(conversation).filter((jid) => jid !== conversation)];
  const phone = toPhoneJid(...jids);
  const id = phone ?? conversation;
  const aliases = jids.filter((jid) => jid !== id);
  return {
    send: {
      conversation,
      recipient: {
        id,
        ...(phone === undefined ? {} : { handle: phone.slice(0, phone.indexOf("@")) }),
        ...(aliases.length === 0 ? {} : { aliases }),
      },
      ...message,
    },
  };
}

/** A chat's address by what a model writes: one already, or a phone number as people write it. */
function toJid(name: string): string | undefined {
  if (/^[\d-]{3,40}@(s\.whatsapp\.net|lid|g\.us)$/.test(name)) return name;
  const digits = name.replace(/[\s().+/-]/g, "");
  return /^[1-9]\d{6,14}$/.test(digits) ? `${digits}@s.whatsapp.net` : undefined;
}
