import type { Live } from "../lib/live.ts";

/**
 * Does `work` for each key that is wanted, for as long as it is. Ends with `signal`, when all work has ended. Work must
 * not throw.
 */
export async function keepEach(
  wanted: Live<Iterable<string>>,
  work: (key: string, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
  const arrange = (keys: ReadonlySet<string>): void => {
    for (const [key, { stop }] of running) if (!keys.has(key)) stop.abort();
    for (const key of keys) {
      // What was stopped and is wanted again begins when its end has come.
      const before = running.get(key);
      if (before !== undefined && !before.stop.signal.aborted) continue;
      const stop = new AbortController();
      const done = (before?.done ?? Promise.resolve()).then(() => work(key, AbortSignal.any([signal, stop.signal])));
      const entry = { stop, done };
      running.set(key, entry);
      done.finally(() => {
        if (running.get(key) === entry) running.delete(key);
      });
    }
  };
  arrange(new Set(wanted.current));
  for await (const keys of wanted.changes(signal)) arrange(new Set(keys));
  await Promise.all([...running.values()].map(({ done }) => done));
}
