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

/**
 * Waits for `work`, but no longer than until `signal` fires: also where it has fired before. What becomes of `work` then
 * is nobody's matter any more.
 *
 * @throws the signal's reason when it comes first; what `work` throws.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
