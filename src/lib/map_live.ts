import type { Live } from "./live.ts";

/** A part of a live value as a live value of its own. It changes only when the part does. */
export function mapLive<T, U>(live: Live<T>, part: (value: T) => U): Live<U> {
  return {
    get current() {
      return part(live.current);
    },
    async *changes(signal) {
      let last = part(live.current);
      for await (const value of live.changes(signal)) {
        const next = part(value);
        if (next === last) continue;
        last = next;
        yield next;
      }
    },
  };
}
