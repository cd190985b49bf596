import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";

/** Reason of the refusals whose answers are held back. */
export const tooManyGuesses = "too_many_guesses";

const windowMs = 60_000;
/** Wrong ones in a minute that are answered at once: people mistype. */
const freeMisses = 10;
const stepMs = 1_000;
const longestMs = 10_000;
/** Answers held back at the same time. */
const maxHeld = 1_000;

/**
 * Slows whoever guesses tokens and codes. Only wrong ones count and wait: the right one is always taken at once, so that
 * nobody can lock its holder out.
 */
export interface WrongGuesses {
  /** Counts a wrong one. @returns What to refuse it with: `error`, or that there were too many. */
  count(error: AppError): AppError;
  /** Resolves when the answer to one of too many may go. */
  hold(): Promise<void>;
}

/** Makes {@linkcode WrongGuesses} until `closing` fires: ten wrong ones a minute are answered at once; after those an answer goes each second. */
export function newWrongGuesses(clock: Clock, closing: AbortSignal): WrongGuesses {
  let misses: number[] = [];
  let held = 0;
  const findRecent = () => {
    const now = clock.monotonic();
    return misses = misses.filter((at) => now - at < windowMs).slice(-freeMisses);
  };

  return {
    count(error) {
      const tooMany = findRecent().length >= freeMisses;
      misses.push(clock.monotonic());
      if (!tooMany) return error;
      const retryAfterMs = (misses[0] ?? 0) + windowMs - clock.monotonic();
      return new AppError(
        "denied",
        "Too many wrong tokens or codes within a minute: answers to wrong ones wait. The right one is taken at once",
        { reason: tooManyGuesses, retryAfterMs },
      );
    },
    async hold() {
      if (held >= maxHeld) return;
      held++;
      try {
        await clock.wait(Math.min(longestMs, held * stepMs), closing);
      } catch (thrown) {
        if (!closing.aborted) throw thrown;
      } finally {
        held--;
      }
    },
  };
}
