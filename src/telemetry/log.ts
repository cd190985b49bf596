import type { Clock } from "../core/clock.ts";
import type { Log, LogFields, LogLevel } from "../core/log.ts";
import { formatJson, formatPretty, type LogEntry } from "./log_format.ts";
import { levelRanks, type RecentLogSource } from "./recent_log.ts";
import { redact } from "./redact.ts";

/** How the log is written; the `log` part of `runtime.yaml`. */
export interface LogOptions {
  readonly level: LogLevel;
  /** `auto`: pretty on a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "pretty" | "json";
  /** Blank out what looks like a key, a token or a home folder. */
  readonly redact: boolean;
}

/** Where log lines go. */
export interface LogOutput {
  /** A person watches. */
  readonly terminal: boolean;
  /** Colours are welcome. */
  readonly color: boolean;
  /** Takes all of `bytes`. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The log of the process. Disposing it writes what waits; later entries are dropped. */
export interface OpenLog extends Log, AsyncDisposable {
  /** Changes how it is written from now on, for every child too. */
  configure(options: LogOptions): void;
}

/** A reader that is this many characters behind loses entries rather than costing the process its memory. */
const maxWaitingChars = 4_000_000;

/** Longer values are cut: a log is no place for documents. */
const maxValueChars = 2_000;

/** Opens a log that never makes its caller wait: entries gather while the last write is under way. */
export function openLog(
  deps: {
    readonly clock: Clock;
    readonly output: LogOutput;
    /** Keeps what was written for people who look at the running process. */
    readonly recent?: RecentLogSource;
  },
  options: LogOptions,
): OpenLog {
  const { clock, output, recent } = deps;
  const writer = newLineWriter(output);
  const formatFor = (options: LogOptions) => {
    const pretty = options.format === "pretty" || (options.format === "auto" && output.terminal);
    return pretty ? (entry: LogEntry) => formatPretty(entry, output.color) : formatJson;
  };
  let { level, redact: redacted } = options;
  let format = formatFor(options);

  const write = (entryLevel: LogLevel, event: string, fields: LogFields): void => {
    const at = clock.now();
    const lost = writer.takeLost();
    if (lost > 0) writer.add(format({ at, level: "warn", event: "log.entries_lost", fields: { count: lost } }));
    const entry = { at, level: entryLevel, event, fields: toPrintable(fields, redacted) };
    recent?.add(entry);
    writer.add(format(entry));
  };
  const newChild = (inherited: LogFields): Log => {
    const entryOf = (entryLevel: LogLevel) => (event: string, fields?: LogFields): void => {
      if (levelRanks[entryLevel] < levelRanks[level]) return;
      write(entryLevel, event, fields === undefined ? inherited : { ...inherited, ...fields });
    };
    return {
      debug: entryOf("debug"),
      info: entryOf("info"),
      warn: entryOf("warn"),
      error: entryOf("error"),
      with: (fields) => newChild({ ...inherited, ...fields }),
    };
  };
  return {
    ...newChild({}),
    configure(next) {
      ({ level, redact: redacted } = next);
      format = formatFor(next);
    },
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  };
}

/** Standard error of this process. */
export function newStderrOutput(): LogOutput {
  const terminal = Deno.stderr.isTerminal();
  return {
    terminal,
    color: terminal && !Deno.noColor,
    async write(bytes) {
      let written = 0;
      while (written < bytes.length) written += await Deno.stderr.write(bytes.subarray(written));
    },
  };
}

function toPrintable(fields: LogFields, redacted: boolean): LogFields {
  const printable: Record<string, string | number | boolean | undefined> = {};
  for (const [name, value] of Object.entries(fields)) {
    printable[name] = typeof value === "string" ? cut(redacted ? redact(value) : value) : value;
  }
  return printable;
}

function cut(text: string): string {
  return text.length <= maxValueChars ? text : `${text.slice(0, maxValueChars)}…`;
}

interface LineWriter extends AsyncDisposable {
  add(line: string): void;
  /** How many lines were lost since the last call. */
  takeLost(): number;
}

function newLineWriter(output: LogOutput): LineWriter {
  const encoder = new TextEncoder();
  let lines: string[] = [];
  let waitingChars = 0;
  let lost = 0;
  let open = true;
  let writing: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    // Everything that the caller logs in one go leaves in one write.
    await Promise.resolve();
    while (lines.length > 0) {
      const bytes = encoder.encode(lines.join(""));
      lines = [];
      waitingChars = 0;
      await output.write(bytes);
    }
    writing = undefined;
  };
  return {
    add(line) {
      if (!open) return;
      if (waitingChars + line.length > maxWaitingChars) {
        lost++;
        return;
      }
      lines.push(line);
      waitingChars += line.length;
      writing ??= drain().catch(() => {
        // Standard error is gone, and with it the only place to say so. The work goes on without a log.
        open = false;
        lines = [];
      });
    },
    takeLost() {
      if (lost === 0 || waitingChars > 0) return 0;
      const count = lost;
      lost = 0;
      return count;
    },
    async [Symbol.asyncDispose]() {
      open = false;
      await writing;
    },
  };
}
