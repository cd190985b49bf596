import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";

/** Reason of the refusals whose answers are held back. */
export const tooManyGuesses = "too_many_guesses";

const windowMs = 60_000;
/** What a wrong one weighs, and one more of the same: a program with an old token learns nothing from asking again. */
const weights = { fresh: 3, repeated: 1 } as const;
/** What wrong ones may weigh in a minute that are answered at once: ten of them, since people mistype. */
const freeWeight = 10 * weights.fresh;
const stepMs = 1_000;
const longestMs = 10_000;
/** Answers held back at the same time. */
const maxHeld = 1_000;

/**
 * Slows whoever guesses tokens and codes. Only wrong ones count and wait: the right one is always taken at once, so that
 * nobody can lock its holder out.
 */
export interface WrongGuesses {
  /**
   * Counts a wrong one; a `text` that was tried before counts less.
   *
   * @returns What to refuse it with: `error`, or that there were too many.
   */
  count(error: AppError, text?: string): AppError;
  /** Resolves when the answer to one of too many may go. */
  hold(): Promise<void>;
}

/** Makes {@linkcode WrongGuesses} until `closing` fires: ten wrong ones a minute are answered at once; after those an answer goes each second. */
export function newWrongGuesses(clock: Clock, closing: AbortSignal): WrongGuesses {
  let misses: readonly { readonly at: number; readonly text: string | undefined; readonly weight: number }[] = [];
  let held = 0;

  return {
    count(error, text) {
      const at = clock.monotonic();
      misses = misses.filter((miss) => at - miss.at < windowMs);
      const isRepeated = text !== undefined && misses.some((miss) => miss.text === text);
      const tooMany = misses.reduce((sum, { weight }) => sum + weight, 0) >= freeWeight;
      const [oldest] = misses;
      misses = [...misses, { at, text, weight: weights[isRepeated ? "repeated" : "fresh"] }].slice(-freeWeight);
      if (!tooMany || oldest === undefined) return error;
      const retryAfterMs = oldest.at + windowMs - at;
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
