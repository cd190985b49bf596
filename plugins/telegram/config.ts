import { z } from "zod";
import { newSecret } from "../../src/core/secret.ts";

const secretText = z.string().min(1, "is empty").transform(newSecret).meta({ secret: true });

/** One Telegram bot, as `plugins/telegram.yaml` describes it. Takes what it gave out, written as JSON. */
export const telegramConfigSchema = z.strictObject({
  token: secretText.describe("Token of the bot, from @BotFather. Best as ${file:./secrets/NAME}."),
  api_root: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")).default(
    "https://api.telegram.org",
  ).describe("Address of the Bot API. Another one for a Bot API server of your own."),
  poll_seconds: z.number().int().min(1).max(50).default(25).describe(
    "How long one request waits for new messages. Without `webhook` only.",
  ),
  webhook: z.strictObject({
    public_url: z.url({ protocol: /^https$/ }).describe("Address at which Telegram reaches this instance's webhook."),
    secret: secretText.describe("What Telegram proves itself with: 1 to 256 letters, digits, - or _."),
  }).optional().describe("Telegram calls us. Absent: we ask Telegram, which needs no public address."),
  commands: z.array(z.strictObject({
    command: z.string().regex(/^[a-z0-9_]{1,32}$/, "must be 1 to 32 lower-case letters, digits or _").describe(
      "Name without the slash.",
    ),
    description: z.string().min(1).max(256).describe("What the menu says about it."),
  })).max(100).default([]).describe("Menu of commands. The agent answers them like any text. Empty: left as it is."),
  max_media_bytes: z.number().int().positive().default(20_000_000).describe(
    "Larger attachments are not fetched. Telegram's own limit is 20 MB, on its own servers.",
  ),
  markdown: z.boolean().default(true).describe("Show the agent's Markdown as formatting. false: as it is written."),
});

/** One Telegram bot, as parsed. */
export type TelegramConfig = z.output<typeof telegramConfigSchema>;
