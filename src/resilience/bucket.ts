import type { Clock } from "../core/clock.ts";
import { orAborted } from "./abort.ts";

/** Lets `rps` calls a second pass, and up to `burst` at once. */
export interface Bucket {
  /** Waits for a token; first come, first served. @throws the signal's reason when it fires first. */
  take(signal: AbortSignal): Promise<void>;
  /** Takes a token if there is one and nobody waits for it. */
  tryTake(): { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number };
}

/** How a {@linkcode Bucket} fills. */
export interface BucketOptions {
  /** Tokens that come in a second. */
  readonly rps: number;
  /** Tokens that it holds, at least 1. */
  readonly burst: number;
  readonly clock: Clock;
}

/** Makes a full {@linkcode Bucket}. */
export function newBucket({ rps, burst, clock }: BucketOptions): Bucket {
  let tokens = burst;
  let filledAt = clock.monotonic();
  let waiting = 0;
  let tail: Promise<void> = Promise.resolve();

  const missingMs = () => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + (now - filledAt) * rps / 1_000);
    filledAt = now;
    // Rounded up to the next 0.001 ms, so that a wait of that length always finds the token there.
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * 1_000_000 / rps) / 1_000;
  };
  const takeNext = async (signal: AbortSignal) => {
    for (let waitMs = missingMs(); waitMs > 0; waitMs = missingMs()) await clock.wait(waitMs, signal);
    tokens -= 1;
  };

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (waiting === 0 && missingMs() === 0) {
        tokens -= 1;
        return;
      }
      waiting++;
      const turn = tail;
      const { promise: left, resolve: leave } = Promise.withResolvers<void>();
      tail = turn.then(() => left);
      try {
        await orAborted(turn, signal);
        await takeNext(signal);
      } finally {
        waiting--;
        leave();
      }
    },
    tryTake() {
      const retryAfterMs = missingMs() + waiting * 1_000 / rps;
      if (retryAfterMs > 0) return { ok: false, retryAfterMs };
      tokens -= 1;
      return { ok: true };
    },
  };
}
