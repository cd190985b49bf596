import { createHash, timingSafeEqual } from "node:crypto";
import { toAppError } from "../../src/core/error.ts";
import type { WebhookRequest, WebhookResponse } from "../../src/core/message.ts";
import type { TelegramIntake } from "./intake.ts";

/** Header in which Telegram sends the secret: https://core.telegram.org/bots/api#setwebhook. */
const secretHeader = "x-telegram-bot-api-secret-token";

/** What answering webhook requests needs. */
export interface WebhookDeps {
  readonly intake: TelegramIntake;
  readonly secret: string;
  /** Fires when receiving is over. */
  readonly receiving: AbortSignal;
}

/** Answers 200 only when the runtime has the update; whatever else it answers makes Telegram send it again. */
export async function answerWebhook(
  { intake, secret, receiving }: WebhookDeps,
  request: WebhookRequest,
  signal: AbortSignal,
): Promise<WebhookResponse> {
  if (request.method !== "POST") return { status: 405, body: "" };
  if (!isEqual(request.headers[secretHeader] ?? "", secret)) return { status: 401, body: "" };
  const update = parseJson(request.body);
  if (update === undefined) return { status: 400, body: "" };
  if (receiving.aborted) return { status: 503, body: "" };
  try {
    await intake.takeOne(update, AbortSignal.any([signal, receiving]));
    return { status: 200, body: "" };
  } catch (thrown) {
    const { kind } = toAppError(thrown);
    return { status: kind === "bug" ? 500 : 503, body: "" };
  }
}

/** Takes the same time wherever the texts differ, and whatever their lengths are. */
function isEqual(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
