/**
 * What each kind of error means to everybody who handles one: the kind *is* the policy.
 *
 * - `status`: HTTP status of an answer. - `rpcCode`: JSON-RPC 2.0 code. - `exitCode`: of a CLI command.
 * - `retry`: whether trying the same thing again can help. - `level`: how loud the log is.
 */
export const errorKinds = {
  invalid: { status: 400, rpcCode: -32602, exitCode: 2, retry: false, level: "warn" },
  denied: { status: 403, rpcCode: -32003, exitCode: 3, retry: false, level: "warn" },
  missing: { status: 404, rpcCode: -32004, exitCode: 4, retry: false, level: "warn" },
  conflict: { status: 409, rpcCode: -32009, exitCode: 5, retry: false, level: "warn" },
  unavailable: { status: 503, rpcCode: -32010, exitCode: 6, retry: true, level: "error" },
  timeout: { status: 504, rpcCode: -32011, exitCode: 7, retry: true, level: "error" },
  cancelled: { status: 499, rpcCode: -32800, exitCode: 130, retry: false, level: "info" },
  bug: { status: 500, rpcCode: -32603, exitCode: 1, retry: false, level: "error" },
} as const;

/** One of the eight kinds of {@linkcode AppError}. */
export type ErrorKind = keyof typeof errorKinds;

/** What an {@linkcode AppError} may carry beside its message. */
export interface AppErrorOptions {
  /** The error underneath. */
  readonly cause?: unknown;
  /** For `unavailable`: when it is worth asking again, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** Short machine-readable reason, `snake_case`, used as the `reason` label of refusal counters. */
  readonly reason?: string;
}

/** The one error class. Its message names the action, the value and the remedy; it never holds a secret. */
export class AppError extends Error {
  override readonly name = "AppError";
  /** Meaning and policy of the error, see {@linkcode errorKinds}. */
  readonly kind: ErrorKind;
  /** When it is worth asking again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;
  /** Machine-readable reason, `snake_case`. */
  readonly reason: string | undefined;

  /** Makes an error of `kind`; `message` is a sentence for a person. */
  constructor(kind: ErrorKind, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs;
    this.reason = options.reason;
  }
}

/** The plain form of an {@linkcode AppError}: what crosses a worker port, the bus, or stands in a dead letter. */
export interface ErrorRecord {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly reason?: string;
  readonly retryAfterMs?: number;
}

/** Numbers of Linux for what Deno has no error of its own for: ENOSPC, EDQUOT, EROFS. */
const [diskFull, quotaFull, readOnlyDisk] = ["28", "122", "30"] as const;

/**
 * The only translator from whatever was thrown to an {@linkcode AppError}.
 * Aborts become `cancelled`, deadlines `timeout`, a lost network or an unopened file what it is; all else is a `bug`.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (!(thrown instanceof Error)) return new AppError("bug", `Unexpected value thrown: ${String(thrown)}`);
  const options = { cause: thrown };
  switch (thrown.name) {
    case "AbortError":
      return new AppError("cancelled", thrown.message || "Cancelled", options);
    case "TimeoutError":
    case "TimedOut":
      return new AppError("timeout", thrown.message || "Timed out", options);
    case "NotCapable":
    case "PermissionDenied":
      return new AppError("denied", thrown.message, options);
    case "NotFound":
      return new AppError("missing", thrown.message, options);
    case "NotADirectory":
    case "IsADirectory":
    case "FilesystemLoop":
      return new AppError("invalid", thrown.message, options);
    case "AddrInUse":
    case "AlreadyExists":
      return new AppError("conflict", thrown.message, options);
    case "ConnectionRefused":
    case "ConnectionReset":
    case "ConnectionAborted":
    case "NotConnected":
    case "BrokenPipe":
    case "UnexpectedEof":
    case "Http":
      return new AppError("unavailable", thrown.message, options);
  }
  switch (/\(os error (\d+)\)/.exec(thrown.message)?.[1]) {
    case diskFull:
    case quotaFull:
      return new AppError("unavailable", thrown.message, options);
    case readOnlyDisk:
      return new AppError("denied", thrown.message, options);
  }
  // fetch() reports every network failure as a TypeError; its messages are the only thing to tell it from a bug.
  if (
    thrown instanceof TypeError &&
    /^fetch failed$|error sending request|client error|connection|network/i.test(thrown.message)
  ) {
    return new AppError("unavailable", thrown.message, options);
  }
  return new AppError("bug", thrown.message || thrown.name, options);
}

/** Turns an error into its plain form. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const error = toAppError(thrown);
  return {
    kind: error.kind,
    message: error.message,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/** Turns the plain form back into an error. */
export function fromErrorRecord(record: ErrorRecord): AppError {
  return new AppError(record.kind, record.message, {
    ...(record.reason === undefined ? {} : { reason: record.reason }),
    ...(record.retryAfterMs === undefined ? {} : { retryAfterMs: record.retryAfterMs }),
  });
}
