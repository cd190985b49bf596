import type { DeadLetterDetail, DeadLetterView } from "../http/dead_letters_api.ts";
import type { Ink } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { sayAgo, sayTime } from "./say.ts";
import { formatTable } from "./table.ts";

/** Dead letters, one a line. */
export function formatDeadLetters(items: readonly DeadLetterView[], nowMs: number, ink: Ink): string {
  if (items.length === 0) return "No dead letters.\n";
  const table = formatTable(
    [
      { title: "ID", align: "right" },
      { title: "DIED", align: "right" },
      { title: "HOP" },
      { title: "AGENT" },
      { title: "CAUSE" },
      { title: "TRIES", align: "right" },
      { title: "WHAT HAPPENED", max: 100 },
    ],
    items.map(({ id, at, hop, agent, kind, reason, attempts, message }) => [
      String(id),
      sayAgo(at, nowMs),
      hop,
      agent ?? "",
      reason ?? kind,
      String(attempts),
      message,
    ]),
    ink,
  );
  return `${table}\n\nWhole: agent dlq show ID. Once the cause is gone: agent dlq replay ID\n`;
}

/** One dead letter, whole. */
export function formatDeadLetter(letter: DeadLetterDetail, ink: Ink): string {
  const fields = [
    ["Dead letter", String(letter.id)],
    [
      "Died",
      `${sayTime(letter.at)} after ${letter.attempts} ${letter.attempts === 1 ? "try" : "tries"}, the first at ${
        sayTime(letter.firstAt)
      }`,
    ],
    ["Hop", letter.hop],
    ["Subject", letter.subject],
    ["Event", letter.eventId],
    ["Agent", letter.agent],
    ["Session", letter.sessionId],
    ["Cause", letter.reason === null ? letter.kind : `${letter.kind}, ${letter.reason}`],
    ["What happened", letter.message],
    ["Replayed", letter.replayedAt === null ? null : sayTime(letter.replayedAt)],
  ] as const;
  const lines = fields.flatMap(([name, value]) =>
    value === null ? [] : [`${ink.dim(name.padEnd("What happened".length))}  ${toPlain(value)}`]
  );
  return `${lines.join("\n")}\n\n${toPlain(JSON.stringify(letter.body, undefined, 2))}\n`;
}
