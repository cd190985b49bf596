import { z } from "zod";
import type { PluginTool } from "../../src/core/plugin_tool.ts";

const to = z.string().min(3).max(100).optional().describe(
  "A phone number with its country code, or the id of a chat or group. Absent: the conversation you are in.",
);
const text = z.string().min(1).max(60_000).describe("Markdown.");
const message = z.string().min(1).max(200).optional().describe(
  "Id of the message. Absent: the one that you are answering.",
);

/** What each tool takes. */
export const toolInputs = {
  whatsapp_send: z.strictObject({ to, text }),
  whatsapp_reply: z.strictObject({ to, text, message }),
  whatsapp_react: z.strictObject({
    to,
    emoji: z.string().max(32).regex(
      /^(\p{Extended_Pictographic}[\u200d\ufe0f\p{Emoji_Modifier}\p{Extended_Pictographic}]*|[\p{Regional_Indicator}]{2}|)$/u,
      "must be one emoji",
    ).describe("One emoji. Empty: takes the reaction back."),
    message,
  }),
  whatsapp_send_media: z.strictObject({
    to,
    file: z.string().min(1).max(1_000).describe("Path of a file in your own folder."),
    kind: z.enum(["image", "video", "voice", "document"]).optional().describe("How it is shown. Absent: by its type."),
    caption: z.string().max(1_024).default("").describe("Text below it."),
  }),
  whatsapp_edit: z.strictObject({
    to,
    message: z.string().min(1).max(200).describe("Id of a message that you sent in the last minutes."),
    text,
  }),
} as const;

/** Name of a tool. */
type WhatsAppToolName = keyof typeof toolInputs;

const toolWords: Readonly<Record<WhatsAppToolName, Omit<PluginTool, "name" | "inputSchema">>> = {
  whatsapp_send: {
    description:
      "Sends a message to a chat or group of your WhatsApp account. Your answer needs no tool: it is sent by itself.",
    effect: "idempotent",
    dangerous: true,
  },
  whatsapp_reply: { description: "Sends a message that quotes another one.", effect: "idempotent" },
  whatsapp_react: { description: "Puts an emoji on a message, or takes it back.", effect: "idempotent" },
  whatsapp_send_media: {
    description: "Sends a picture, video, voice message or document from your own folder.",
    effect: "idempotent",
    dangerous: true,
    files: "file",
  },
  whatsapp_edit: { description: "Changes the text of a message that you sent.", effect: "idempotent" },
};

/** Whether there is a tool `name`. */
export function isWhatsAppTool(name: string): name is WhatsAppToolName {
  return Object.hasOwn(toolInputs, name);
}

/** What agents are offered. */
export const whatsappTools: readonly PluginTool[] = Object.keys(toolInputs).filter(isWhatsAppTool).map((name) => ({
  name,
  ...toolWords[name],
  inputSchema: z.toJSONSchema(toolInputs[name], { io: "input" }),
}));
