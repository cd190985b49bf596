import type { LogLevel } from "../core/log.ts";
import type { LogEntry } from "./log_format.ts";

/** Which entries somebody wants to see. */
export interface LogFilter {
  /** This level and louder ones. */
  readonly level?: LogLevel | undefined;
  /** Beginning of the event's name: `turn`, `plugin.restarted`. */
  readonly event?: string | undefined;
  /** Fields that an entry must have with exactly these values, compared as text: `{ turn: "…" }`. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** The newest entries of the log, and those to come, for people who look at the running process. */
export interface RecentLog {
  /** The newest `limit` entries that fit, oldest first. */
  list(filter: LogFilter, limit: number): readonly LogEntry[];
  /**
   * {@linkcode RecentLog.list}, then each later entry that fits, in batches. A reader that is too slow misses the oldest
   * ones of a batch. Ends with `signal`.
   */
  follow(filter: LogFilter, limit: number, signal: AbortSignal): AsyncIterable<readonly LogEntry[]>;
}

/** A {@linkcode RecentLog} with the handle that fills it. */
export interface RecentLogSource extends RecentLog {
  add(entry: LogEntry): void;
}

/** Ranks of levels, quietest first. */
export const levelRanks = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>;

/** Entries kept: some hours of a quiet process, a busy minute of a loud one; about 1 MB. */
const keptEntries = 2_000;

/** Makes a {@linkcode RecentLogSource}. */
export function newRecentLog(): RecentLogSource {
  let entries: LogEntry[] = [];
  const readers = new Set<(entry: LogEntry) => void>();
  const list: RecentLog["list"] = (filter, limit) => entries.filter((entry) => fits(entry, filter)).slice(-limit);
  return {
    list,
    async *follow(filter, limit, signal) {
      let waiting: LogEntry[] = [...list(filter, limit)];
      let wake = () => {};
      const read = (entry: LogEntry) => {
        if (!fits(entry, filter)) return;
        if (waiting.length >= keptEntries) waiting.shift();
        waiting.push(entry);
        wake();
      };
      readers.add(read);
      const onAbort = () => wake();
      signal.addEventListener("abort", onAbort);
      try {
        while (!signal.aborted) {
          if (waiting.length > 0) {
            const batch = waiting;
            waiting = [];
            yield batch;
            continue;
          }
          await new Promise<void>((resolve) => wake = resolve);
        }
      } finally {
        readers.delete(read);
        signal.removeEventListener("abort", onAbort);
      }
    },
    add(entry) {
      entries.push(entry);
      // Cut in halves: moving all of them for each entry would cost more than keeping twice as many.
      if (entries.length >= 2 * keptEntries) entries = entries.slice(-keptEntries);
      for (const read of readers) read(entry);
    },
  };
}

function fits(entry: LogEntry, { level, event, fields }: LogFilter): boolean {
  if (level !== undefined && levelRanks[entry.level] < levelRanks[level]) return false;
  if (event !== undefined && !entry.event.startsWith(event)) return false;
  return Object.entries(fields ?? {}).every(([name, value]) => String(entry.fields[name]) === value);
}
