/** What one writer puts in and one reader takes out, in batches. Full, it takes nothing more: what came first stays. */
export interface Mailbox<T> extends AsyncIterable<readonly T[]> {
  put(item: T): void;
  /** Ends the reader's iteration once it has taken what is there. */
  end(): void;
}

/** Makes a {@linkcode Mailbox} of at most `bound` items. */
export function newMailbox<T>(bound: number): Mailbox<T> {
  let items: T[] = [];
  let ended = false;
  let wake = () => {};

  return {
    put(item) {
      if (ended || items.length >= bound) return;
      items.push(item);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        if (items.length > 0) {
          const batch = items;
          items = [];
          yield batch;
        } else if (ended) {
          return;
        } else {
          await new Promise<void>((resolve) => wake = resolve);
        }
      }
    },
  };
}
