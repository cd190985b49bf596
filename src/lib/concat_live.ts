import { type Live, newLive } from "./live.ts";

/** Several live lists as one, in their order. It changes when one of them does. */
export function concatLive<T>(...lists: readonly Live<readonly T[]>[]): Live<readonly T[]> {
  let parts = lists.map((list) => list.current);
  let joined: readonly T[] = parts.flat();
  const live: Live<readonly T[]> = {
    get current() {
      // The same parts are the same list: whoever has sorted or searched it need not do so again.
      if (lists.some((list, index) => list.current !== parts[index])) {
        parts = lists.map((list) => list.current);
        joined = parts.flat();
      }
      return joined;
    },
    async *changes(signal) {
      const stop = new AbortController();
      const ended = AbortSignal.any([signal, stop.signal]);
      const any = newLive(0);
      const followers = lists.map(async (list) => {
        for await (const _ of list.changes(ended)) any.set(any.current + 1);
      });
      try {
        for await (const _ of any.changes(signal)) yield live.current;
      } finally {
        stop.abort();
        await Promise.all(followers);
      }
    },
  };
  return live;
}
