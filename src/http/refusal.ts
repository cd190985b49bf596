import { AppError, type ErrorKind, errorKinds, toAppError } from "../core/error.ts";

// Answers for which HTTP has a more exact status than the kind of the error.
const statusByReason: Readonly<Record<string, number>> = {
  no_token: 401,
  wrong_token: 401,
  token_expired: 401,
  token_revoked: 401,
  no_session: 401,
  body_too_large: 413,
  too_many_guesses: 429,
  too_many_codes: 429,
};

// Reasons for which OpenAI clients know a code.
const openAiCodes: Readonly<Record<string, string>> = {
  no_token: "invalid_api_key",
  wrong_token: "invalid_api_key",
  token_expired: "invalid_api_key",
  token_revoked: "invalid_api_key",
  unknown_agent: "model_not_found",
};

/** An error as its HTTP answer: status, headers and what the JSON body says. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly kind: ErrorKind;
  readonly message: string;
  /** The error's reason, or its kind where it has none. */
  readonly reason: string;
}

/** What an HTTP client is told of whatever was thrown. A `bug` keeps its message for the log. */
export function toRefusal(thrown: unknown): Refusal {
  const error = toAppError(thrown);
  const reason = error.reason ?? error.kind;
  const status = statusByReason[reason] ?? errorKinds[error.kind].status;
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000)));
  }
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="nexo"';
  const message = error.kind === "bug" ? "Something broke inside. The log has the details." : error.message;
  return { status, headers, kind: error.kind, message, reason };
}

/** The refusal as `{ error: { kind, message, reason } }`. */
export function toRefusalResponse(refusal: Refusal): Response {
  const { kind, message, reason } = refusal;
  return Response.json({ error: { kind, message, reason } }, { status: refusal.status, headers: refusal.headers });
}

/** The refusal in the shape that OpenAI clients read. */
export function toOpenAiRefusalResponse(refusal: Refusal): Response {
  return Response.json(toOpenAiError(refusal.status, refusal.message, refusal.reason), {
    status: refusal.status,
    headers: refusal.headers,
  });
}

/** The error object of the OpenAI API. Source: https://platform.openai.com/docs/guides/error-codes */
export function toOpenAiError(status: number, message: string, reason: string) {
  return { error: { message, type: openAiErrorType(status), param: null, code: openAiCodes[reason] ?? reason } };
}

function openAiErrorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** Nothing stands at this address. */
export function newNoRouteError(method: string): AppError {
  // Without the path: it goes into the log, and who errs with an address may have written a token into it.
  return new AppError("missing", `Nothing answers ${method} at this path`, { reason: "no_route" });
}

/** A token that nobody has. */
export function newWrongTokenError(): AppError {
  return new AppError(
    "denied",
    "This token is not known. The root token stands in admin.token in the data folder; agent token list names the others",
    { reason: "wrong_token" },
  );
}
