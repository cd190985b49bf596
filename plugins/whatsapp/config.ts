import { z } from "zod";

/** File in an instance's folder that links it with its account. */
export const authFile = "auth.db";

const address = (protocol: RegExp) => z.url({ protocol }).transform((url) => url.replace(/\/+$/, ""));
const perSecond = z.number().positive().max(100);

/** One WhatsApp account, as `plugins/whatsapp.yaml` describes it. Takes what it gave out, written as JSON. */
export const whatsappConfigSchema = z.strictObject({
  pairing_phone: z.string().regex(/^[1-9]\d{6,14}$/, "must be a number with its country code, digits only").optional()
    .describe("Link by a code that is typed on the phone with this number. Absent: by scanning a QR code."),
  read_receipts: z.boolean().default(false).describe(
    "Show people that their message was read, as soon as the runtime has it.",
  ),
  rate_limit: z.strictObject({
    per_second: perSecond.default(2).describe("Messages a second of the whole account."),
    chat_per_second: perSecond.default(1).describe("Messages a second to one chat."),
    burst: z.number().int().min(1).max(100).default(5).describe("Messages that may go at once, after a pause."),
  }).prefault({}).describe("More wait their turn. WhatsApp closes accounts that write like machines."),
  max_media_bytes: z.number().int().positive().default(20_000_000).describe("Larger attachments are not fetched."),
  markdown: z.boolean().default(true).describe("Show the agent's Markdown as formatting. false: as it is written."),
  url: address(/^wss?$/).default("wss://web.whatsapp.com/ws/chat").describe("Address of WhatsApp."),
  media_url: address(/^https?$/).default("https://mmg.whatsapp.net").describe("Where WhatsApp keeps attachments."),
});

/** One WhatsApp account, as parsed. */
export type WhatsAppConfig = z.output<typeof whatsappConfigSchema>;
