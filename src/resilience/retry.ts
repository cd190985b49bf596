import type { Clock } from "../core/clock.ts";
import { type AppError, toAppError } from "../core/error.ts";
import { toAbortError } from "./abort.ts";

/** How often and after which wait something is tried again. */
export interface RetryPolicy {
  /** Tries in all when the other side says that we ask too often (reason `rate_limited`). */
  readonly rateLimitedAttempts: number;
  /** Tries in all when it is `unavailable` or a deadline passed (`timeout`). */
  readonly failedAttempts: number;
  /** Upper bound of the first wait, in milliseconds; doubles with each try. */
  readonly initialBackoffMs: number;
  /** Longest wait, in milliseconds. When the other side asks for a longer one, the error is thrown instead. */
  readonly maxBackoffMs: number;
}

/** 429: 5 tries; unavailable and timeouts: 3; from 1 s to 60 s. */
export const defaultRetryPolicy: RetryPolicy = {
  rateLimitedAttempts: 5,
  failedAttempts: 3,
  initialBackoffMs: 1_000,
  maxBackoffMs: 60_000,
};

/**
 * How long to wait after try number `attempt` (from 1) ended in `error`, or `undefined` to give up.
 *
 * Exponential with full jitter; a wait that the other side asks for is a lower bound. An open breaker is never
 * waited for: it answers for a longer outage than a caller should sit out.
 *
 * @param random A number from 0 to below 1.
 */
export function retryWaitMs(
  policy: RetryPolicy,
  attempt: number,
  error: AppError,
  random: number,
): number | undefined {
  if (attempt >= attemptsFor(policy, error)) return undefined;
  const askedMs = error.retryAfterMs ?? 0;
  if (askedMs > policy.maxBackoffMs) return undefined;
  const ceilingMs = Math.min(policy.maxBackoffMs, policy.initialBackoffMs * 2 ** (attempt - 1));
  return Math.max(askedMs, random * ceilingMs);
}

/** What {@linkcode retry} needs beside the work. */
export interface RetryDeps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Source of jitter. @default {Math.random} */
  readonly random?: () => number;
  /** Told before each wait. */
  readonly onRetry?: (error: AppError, waitMs: number) => void;
}

/**
 * Runs `work` until it succeeds or `policy` says that trying again is no use.
 *
 * @param work Gets the number of the try, from 1.
 * @throws {AppError} of the last try; `cancelled` when the signal fires during a wait.
 */
export async function retry<T>(
  work: (attempt: number) => Promise<T>,
  policy: RetryPolicy,
  { clock, signal, random = Math.random, onRetry }: RetryDeps,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await work(attempt);
    } catch (thrown) {
      const error = toAppError(thrown);
      const waitMs = signal.aborted ? undefined : retryWaitMs(policy, attempt, error, random());
      if (waitMs === undefined) throw error;
      onRetry?.(error, waitMs);
      await clock.wait(waitMs, signal).catch((reason) => {
        throw toAbortError(reason);
      });
    }
  }
}

function attemptsFor(policy: RetryPolicy, error: AppError): number {
  if (error.reason === "breaker_open") return 1;
  if (error.kind === "unavailable" && error.reason === "rate_limited") return policy.rateLimitedAttempts;
  return error.kind === "unavailable" || error.kind === "timeout" ? policy.failedAttempts : 1;
}
