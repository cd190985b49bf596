import type { Page } from "../http/page_api.ts";
import type { MessageHit, MessageView, SessionView } from "../http/sessions_api.ts";
import type { Ink } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { sayAgo, sayTime } from "./say.ts";
import { formatTable } from "./table.ts";

/** Session ids are there to be copied: they are never cut. */
const wholeId = 2_000;

/** Sessions, one a line, newest first. */
export function formatSessions({ items, next }: Page<SessionView>, nowMs: number, ink: Ink): string {
  if (items.length === 0) return "No sessions.\n";
  const table = formatTable(
    [{ title: "LAST", align: "right" }, { title: "SESSION", max: wholeId }, { title: "BEGAN WITH" }],
    items.map(({ id, title, lastAt }) => [sayAgo(lastAt, nowMs), id, title]),
    ink,
  );
  return `${table}\n\n${sayMore(next)}A transcript: agent sessions show SESSION\n`;
}

/** A transcript, oldest first, as one reads it. */
export function formatTranscript(session: string, { items, next }: Page<MessageView>, ink: Ink): string {
  if (items.length === 0) return `No messages in ${toPlain(session)}.\n`;
  const entries = items.toReversed().map(({ at, role, author, text, calls }) => {
    const who = author === null ? role : `${role} ${author}`;
    const called = calls.map(({ name, input }) => `→ ${name}(${JSON.stringify(input)})`);
    const body = toPlain([text, ...called].filter((part) => part !== "").join("\n")).split("\n").map((line) =>
      `  ${line}`.trimEnd()
    ).join("\n");
    return `${ink.dim(sayTime(at))}  ${ink.bold(toPlain(who))}\n${body}`;
  });
  return `${sayMore(next)}${entries.join("\n\n")}\n`;
}

/** Entries that hold what was looked for, best first. */
export function formatHits(items: readonly MessageHit[], ink: Ink): string {
  if (items.length === 0) return "Nothing was found.\n";
  return items.map(({ sessionId, at, role, author, text }) => {
    const who = author === null ? role : `${role} ${author}`;
    const excerpt = toPlain(text).replace(/\s+/g, " ").trim();
    return `${ink.dim(sayTime(at))}  ${ink.bold(toPlain(who))}  ${toPlain(sessionId)}\n  ${excerpt}\n`;
  }).join("\n");
}

function sayMore(next: string | undefined): string {
  return next === undefined ? "" : `There are older ones: --before ${toPlain(next)}\n\n`;
}
