import type { LogFields, LogLevel } from "../core/log.ts";

/** One thing that was logged, ready to be written. */
export interface LogEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** SGR codes of ECMA-48: grey, cyan, yellow, red. */
const levelColors = { debug: 90, info: 36, warn: 33, error: 31 } as const satisfies Record<LogLevel, number>;

/** DEL, the C1 controls, line separators and direction marks: what can still disturb a terminal inside JSON text. */
const unprintable = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A value that needs no quotes: visible, without spaces, quotes and equals signs. */
const bare = /^[^\s"=\p{C}]+$/u;

/** One JSON object and a line end, for programs. */
export function formatJson(entry: LogEntry): string {
  const { at, level, event, fields } = entry;
  return `${quote({ at: new Date(at).toISOString(), level, event, ...fields })}\n`;
}

/** One line for people: local time, level, event, fields. */
export function formatPretty(entry: LogEntry, color: boolean): string {
  const paint = (code: number, text: string) => color ? `\u001b[${code}m${text}\u001b[0m` : text;
  const parts = [
    paint(90, toLocalTime(entry.at)),
    paint(levelColors[entry.level], entry.level.padEnd(5)),
    entry.event,
  ];
  for (const [name, value] of Object.entries(entry.fields)) {
    if (value === undefined) continue;
    const text = String(value);
    parts.push(`${paint(90, `${name}=`)}${bare.test(text) ? text : quote(text)}`);
  }
  return `${parts.join(" ")}\n`;
}

function quote(value: unknown): string {
  return JSON.stringify(value).replace(unprintable, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function toLocalTime(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}
