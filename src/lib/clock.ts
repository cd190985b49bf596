/**
 * The real clock. Has the shape of `Clock` of the floor above.
 *
 * A wait that is aborted leaves no timer and no listener behind.
 */
export const systemClock = {
  /** Milliseconds since the epoch. May jump. */
  now: (): number => Date.now(),
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonic: (): number => performance.now(),
  /** Resolves after `ms` milliseconds. @throws the signal's reason when it fires first. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, Math.min(Math.max(0, ms), longestTimerMs));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
} as const;

/** Timers take a signed 32-bit number; a longer one would fire at once. */
const longestTimerMs = 2_147_483_647;
