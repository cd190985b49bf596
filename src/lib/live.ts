/** A value that changes over time and can be watched. Readers take `current` once and keep that snapshot. */
export interface Live<T> {
  readonly current: T;
  /** Every later value, newest wins: a slow reader misses intermediate ones. Ends with `signal`. */
  changes(signal: AbortSignal): AsyncIterable<T>;
}

/** A {@linkcode Live} with the handle that sets it. */
export interface LiveSource<T> extends Live<T> {
  set(value: T): void;
}

/** Makes a {@linkcode LiveSource} that holds `initial`. */
export function newLive<T>(initial: T): LiveSource<T> {
  let current = initial;
  let version = 0;
  const wakers = new Set<() => void>();
  async function* changes(signal: AbortSignal): AsyncGenerator<T> {
    let seen = version;
    while (!signal.aborted) {
      if (seen !== version) {
        seen = version;
        yield current;
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          wakers.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        wakers.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }
  return {
    get current() {
      return current;
    },
    changes,
    set(value) {
      current = value;
      version++;
      for (const wake of [...wakers]) wake();
    },
  };
}
