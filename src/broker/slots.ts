/** Room for a bounded number of things under way. */
export interface Slots {
  /** Waits for a free slot and takes it; first come, first served. */
  take(): Promise<void>;
  free(): void;
  /** Waits until nothing is under way. */
  allFree(): Promise<void>;
}

/** Makes {@linkcode Slots} that are all free. */
export function newSlots(bound: number): Slots {
  let taken = 0;
  const waiting: (() => void)[] = [];
  let emptied = Promise.withResolvers<void>();
  return {
    async take() {
      if (taken < bound) {
        taken++;
        return;
      }
      await new Promise<void>((resolve) => waiting.push(resolve)); // the slot is handed over, not given back
    },
    free() {
      const next = waiting.shift();
      if (next !== undefined) return next();
      if (--taken > 0) return;
      emptied.resolve();
      emptied = Promise.withResolvers();
    },
    async allFree() {
      if (taken > 0) await emptied.promise;
    },
  };
}
