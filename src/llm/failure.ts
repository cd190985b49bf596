import type { APICallError } from "@ai-sdk/provider";
import { AppError, toAppError } from "../core/error.ts";

/** Who failed, for messages. Holds no secret but those that must be cut out. */
export interface FailureContext {
  /** Key of `providers` in llm.yaml. */
  readonly provider: string;
  readonly model: string;
  /** Host and port of the endpoint. */
  readonly host: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether a part of the answer had come before. */
  readonly streaming: boolean;
  /** Texts that must not stand in a message: key and header values. */
  readonly secrets: readonly string[];
}

/** Longest piece of a provider's own words that an error repeats. */
const maxDetailChars = 300;

/**
 * Turns whatever a provider's SDK threw into an {@linkcode AppError}. The SDK's own error is not kept as the cause where it
 * holds the whole request.
 */
export function toLlmError(thrown: unknown, context: FailureContext): AppError {
  if (thrown instanceof AppError) return thrown;
  if (isApiCallError(thrown)) {
    const { statusCode, responseHeaders } = thrown;
    return statusCode === undefined || statusCode < 400
      ? toConnectionError(context)
      : toStatusError(statusCode, { ...context, detail: thrown.message, headers: responseHeaders });
  }
  const error = toAppError(thrown);
  if (error.kind === "unavailable") return toConnectionError(context, error.cause);
  if (error.kind !== "bug") return error;
  if (thrown instanceof Error && isRequestFault(thrown.name)) {
    return new AppError("invalid", `${subject(context)} cannot be asked this: ${clean(thrown.message, context)}`);
  }
  // The SDK's own errors repeat what was sent; the others come out of its depths when that is malformed enough.
  if (thrown instanceof Error && thrown.name.startsWith("AI_")) {
    return newBadAnswerError(context, "something that is no answer of its protocol");
  }
  return new AppError(
    "unavailable",
    `${subject(context)} failed unexpectedly: ${clean(error.message, context)}. ${toCheck(context)}`,
    { reason: "bad_answer", cause: thrown },
  );
}

/**
 * Turns an error that came as a part of the stream into an {@linkcode AppError}.
 * Providers that have already answered 200 report overload and rate limits this way.
 */
export function toStreamError(part: unknown, context: FailureContext): AppError {
  if (part instanceof Error) return toLlmError(part, context);
  const { message, status } = readStreamError(part);
  if (status !== undefined) return toStatusError(status, { ...context, detail: message });
  return new AppError("unavailable", `${subject(context)} failed: ${clean(message, context)}`, {
    reason: "stream_error",
  });
}

/** The provider sent something that cannot be understood. */
export function newBadAnswerError(context: FailureContext, what: string): AppError {
  return new AppError("unavailable", `${subject(context)} sent ${what}. ${toCheck(context)}`, { reason: "bad_answer" });
}

/** The answer broke off. */
export function newCutError(context: FailureContext, cause?: unknown): AppError {
  return new AppError("unavailable", `${subject(context)} broke off its answer`, { reason: "stream_cut", cause });
}

interface StatusContext extends FailureContext {
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

function toStatusError(status: number, context: StatusContext): AppError {
  const who = `${subject(context)}`;
  const detail = clean(context.detail, context);
  const setting = `providers.${context.provider}`;
  switch (status) {
    // The provider's words are left out: some repeat parts of the key.
    case 401:
    case 403:
      return new AppError("denied", `${who} refused the key (HTTP ${status}). Set ${setting}.api_key in llm.yaml`, {
        reason: "key_refused",
      });
    case 402:
      return new AppError("denied", `${who} wants to be paid (HTTP 402): ${detail}. Top up the account`, {
        reason: "no_credit",
      });
    case 404:
      return new AppError(
        "invalid",
        `${who} does not know this model or address (HTTP 404): ${detail}. Check the model and ${setting}.base_url`,
      );
    case 429:
      return new AppError("unavailable", `${who} is asked too often (HTTP 429): ${detail}`, {
        reason: "rate_limited",
        ...readRetryAfter(context),
      });
  }
  if (status >= 500 || status === 408) {
    return new AppError("unavailable", `${who} failed (HTTP ${status}): ${detail}`, {
      reason: "provider_failed",
      ...readRetryAfter(context),
    });
  }
  return new AppError("invalid", `${who} refused the request (HTTP ${status}): ${detail}`);
}

function toConnectionError(context: FailureContext, cause?: unknown): AppError {
  if (context.streaming) return newCutError(context, cause);
  return new AppError("unavailable", `Cannot reach ${subject(context)} at ${context.host}`, {
    reason: "unreachable",
    cause,
  });
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, 10.2.3). */
function readRetryAfter({ headers, now }: StatusContext): { readonly retryAfterMs?: number } {
  const ms = Number.parseFloat(headers?.["retry-after-ms"] ?? "");
  if (ms >= 0) return { retryAfterMs: ms };
  const text = headers?.["retry-after"] ?? "";
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return { retryAfterMs: Number(text) * 1_000 };
  const date = Date.parse(text);
  return Number.isNaN(date) ? {} : { retryAfterMs: Math.max(0, date - now) };
}

function readStreamError(part: unknown): { readonly message: string; readonly status: number | undefined } {
  if (typeof part === "string") return { message: part, status: undefined };
  if (typeof part !== "object" || part === null) return { message: "an unnamed error", status: undefined };
  const message = "message" in part && typeof part.message === "string" ? part.message : "an unnamed error";
  const status = "statusCode" in part ? part.statusCode : "code" in part ? part.code : undefined;
  const number = Number(status);
  return { message, status: number >= 400 && number < 600 ? number : undefined };
}

function subject({ provider, model }: FailureContext): string {
  return `Model ${model} of ${provider}`;
}

function toCheck({ provider }: FailureContext): string {
  return `Check providers.${provider}.base_url in llm.yaml`;
}

function clean(detail: string, { secrets }: FailureContext): string {
  let text = detail.replace(/\s+/g, " ").trim();
  for (const secret of secrets) if (secret !== "" && secret !== "none") text = text.replaceAll(secret, "[secret]");
  return text.length <= maxDetailChars ? text : `${text.slice(0, maxDetailChars)}…`;
}

/** By name: the class would have to be loaded with the SDK to be compared with. */
function isApiCallError(thrown: unknown): thrown is APICallError {
  return thrown instanceof Error && thrown.name === "AI_APICallError";
}

function isRequestFault(name: string): boolean {
  return name === "AI_InvalidPromptError" || name === "AI_InvalidArgumentError" ||
    name === "AI_UnsupportedFunctionalityError";
}
