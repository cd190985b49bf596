import { formatDuration } from "../lib/duration.ts";

/** Writes a time as people read it: `2026-11-22 14:12 UTC`. */
export function sayTime(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

/** How long ago something was: `3 min ago`. */
export function sayAgo(iso: string, nowMs: number): string {
  return `${formatDuration(Math.max(0, nowMs - Date.parse(iso)))} ago`;
}

/** A number with its noun: `1 letter`, `2 letters`. */
export function sayCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A value as the one JSON document that a command prints for programs. */
export function toJsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
