import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";

/** Bounds how often a secret may be guessed. */
export interface Guesses {
  /** @throws {AppError} `denied` with the reason given, once too many were wrong within a minute. */
  check(): void;
  /** A guess was wrong. */
  miss(): void;
}

const windowMs = 60_000;
const maxMisses = 10;

/** Makes {@linkcode Guesses}: ten wrong ones a minute. `message` says what there were too many of, without a full stop. */
export function newGuesses({ clock, message, reason }: {
  readonly clock: Clock;
  readonly message: string;
  readonly reason: string;
}): Guesses {
  let misses: number[] = [];
  return {
    check() {
      const now = clock.monotonic();
      misses = misses.filter((at) => now - at < windowMs);
      const [oldest] = misses;
      if (oldest === undefined || misses.length < maxMisses) return;
      throw new AppError("denied", `${message} within a minute. Wait a minute, then try again`, {
        reason,
        retryAfterMs: oldest + windowMs - now,
      });
    },
    miss: () => void misses.push(clock.monotonic()),
  };
}
