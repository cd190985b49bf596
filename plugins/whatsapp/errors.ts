import { AppError, toAppError } from "../../src/core/error.ts";

/** A send that WhatsApp may have taken although no answer came. */
export const outcomeUnknown = "outcome_unknown";

/** The status code that Baileys gave an error, such as 401. */
export function toStatusCode(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null || !("output" in thrown)) return undefined;
  const { output } = thrown;
  if (typeof output !== "object" || output === null || !("statusCode" in output)) return undefined;
  return Number(output.statusCode);
}

/** What a failure inside Baileys means, where the message did not go out as far as we know. */
export function toWhatsAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError || (thrown instanceof Error && thrown.name === "AbortError")) {
    return toAppError(thrown);
  }
  const code = toStatusCode(thrown);
  if (code === undefined) return toAppError(thrown);
  // 4xx of WhatsApp speak of the message; 408 and 428 are Baileys' own words for a lost connection.
  if (code === 408 || code === 428 || code >= 500) {
    return new AppError("unavailable", "The connection to WhatsApp broke before it took the message", {
      reason: outcomeUnknown,
      retryAfterMs: 1_000,
    });
  }
  return toRefusal(code);
}

/** What the error code of an acknowledgement means. WhatsApp documents none; these are met in practice. */
export function toRefusal(code: number): AppError {
  const message = `WhatsApp refuses the message with ${code}`;
  if (code === 429) {
    const remedy = `${message}: too many messages. Lower rate_limit`;
    return new AppError("unavailable", remedy, { reason: "rate_limited", retryAfterMs: 30_000 });
  }
  if (code === 463) {
    const remedy = `${message}: it does not let this account begin new chats at the moment`;
    return new AppError("denied", remedy, { reason: "account_restricted" });
  }
  if (code === 401 || code === 403) return new AppError("denied", message, { reason: "blocked" });
  if (code === 404 || code === 410) return new AppError("missing", `${message}: there is no such chat`);
  // 479: the list of the other side's devices was stale; it is fetched anew.
  if (code === 479 || code >= 500) return new AppError("unavailable", message, { retryAfterMs: 1_000 });
  return new AppError("invalid", message);
}
