/** How many messages may still be handed over. Takers wait in line. */
export interface Credits {
  /** Takes one, or waits for one. @throws the signal's reason when it fires first. */
  take(signal: AbortSignal): Promise<void>;
  add(count: number): void;
}

/** Makes {@linkcode Credits} that hold none. */
export function newCredits(): Credits {
  const waiting = new Set<() => void>();
  let left = 0;
  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (left > 0) {
        left--;
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const abort = () => {
          waiting.delete(given);
          reject(signal.reason);
        };
        const given = () => {
          signal.removeEventListener("abort", abort);
          resolve();
        };
        waiting.add(given);
        signal.addEventListener("abort", abort);
      });
    },
    add(count) {
      left += count;
      for (const given of waiting) {
        if (left === 0) return;
        left--;
        waiting.delete(given);
        given();
      }
    },
  };
}
