import { GrammyError, HttpError } from "grammy";
import { AppError, toAppError } from "../../src/core/error.ts";

/** A request that Telegram may have carried out although no answer came. */
export const outcomeUnknown = "outcome_unknown";

/**
 * What a failed request to the Bot API means. A refusal is kept as the cause; a broken connection never is, since its
 * text may hold the address, and so the token.
 *
 * @param action Name of the method, for the message.
 */
export function toTelegramError(thrown: unknown, action: string, signal: AbortSignal): AppError {
  if (thrown instanceof GrammyError) return toRefusal(thrown, action);
  if (!(thrown instanceof HttpError)) return toAppError(thrown);
  if (signal.aborted) {
    const { kind, message } = toAppError(signal.reason);
    return new AppError(kind, `${action}: ${message}`, { reason: outcomeUnknown });
  }
  if (wasNotSent(thrown.error)) {
    return new AppError("unavailable", `${action}: Telegram cannot be reached. Check the network and api_root`);
  }
  return new AppError("unavailable", `${action}: the connection to Telegram broke before it answered`, {
    reason: outcomeUnknown,
  });
}

/** Meanings of the codes: https://core.telegram.org/api/errors, and the descriptions that the Bot API sends in practice. */
function toRefusal(refusal: GrammyError, action: string): AppError {
  const { error_code, description, parameters } = refusal;
  const message = `${action}: Telegram says ${error_code} ${description}`;
  const cause = refusal;
  if (error_code === 429) {
    const retryAfterMs = (parameters.retry_after ?? 1) * 1_000;
    return new AppError("unavailable", message, { cause, reason: "rate_limited", retryAfterMs });
  }
  // A revoked or mistyped token is repaired by the operator; what waits to be sent is not lost by it.
  if (error_code === 401 || error_code === 404) {
    const remedy = `${message}. Set this bot's token as @BotFather gives it`;
    return new AppError("unavailable", remedy, { cause, reason: "token_refused", retryAfterMs: 60_000 });
  }
  if (error_code === 409) {
    const remedy = `${message}. Another program uses this bot's token`;
    return new AppError("unavailable", remedy, { cause, reason: "token_in_use", retryAfterMs: 10_000 });
  }
  if (error_code === 403) return new AppError("denied", message, { cause, reason: "blocked" });
  // A gateway that gave up says nothing about what the server behind it did.
  if (error_code >= 500) return new AppError("unavailable", message, { cause, reason: outcomeUnknown });
  const missing = /not found|PEER_ID_INVALID|chat was deleted|deactivated/i.test(description);
  return new AppError(missing ? "missing" : "invalid", message, { cause });
}

/** The chat's new id, where a request failed because its group has become a supergroup. */
export function movedTo(thrown: unknown): string | undefined {
  return refusalOf(thrown)?.parameters.migrate_to_chat_id?.toString();
}

/** Whether a request failed because of the formatting of its text. */
export function isAboutFormatting(thrown: unknown): boolean {
  return /entit/i.test(refusalOf(thrown)?.description ?? "");
}

function refusalOf(thrown: unknown): GrammyError | undefined {
  return thrown instanceof AppError && thrown.cause instanceof GrammyError ? thrown.cause : undefined;
}

/** Whether the request failed before anything of it left: only fetch's own words tell. */
function wasNotSent(error: unknown): boolean {
  return error instanceof Error &&
    /tcp connect error|dns error|connection refused|failed to lookup/i.test(error.message);
}
