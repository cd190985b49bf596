import { AppError, toAppError } from "../core/error.ts";

/**
 * Turns the reason of a fired signal into an error: an `AppError` stays what it is, a deadline is a `timeout`, and any
 * other reason, whatever was given, means `cancelled`.
 */
export function toAbortError(reason: unknown): AppError {
  const error = toAppError(reason);
  if (reason instanceof AppError || error.kind !== "bug") return error;
  return new AppError("cancelled", `Cancelled: ${error.message}`, { cause: reason });
}
