import type { Fact, FactPage, Recalled } from "../core/memory.ts";
import type { Ink } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { sayAgo, sayTime } from "./say.ts";
import { formatTable } from "./table.ts";

/** Ids are there to be copied: they are never cut. */
const wholeId = 64;

/** Facts, one a line, newest first. */
export function formatFacts({ facts, next, total }: FactPage, nowMs: number, ink: Ink): string {
  if (facts.length === 0) return "No facts.\n";
  const more = next === undefined ? "" : `There are older ones: --after ${toPlain(next)}\n\n`;
  return `${formatRows(facts, nowMs, ink)}\n\n${more}${total} in all. One of them: agent memory show AGENT ID\n`;
}

/** What a search found, best first. */
export function formatRecalled({ facts, mode, reason }: Recalled, nowMs: number, ink: Ink): string {
  const note = mode === "words" ? `Searched by words only: ${toPlain(reason ?? "")}\n` : "";
  return facts.length === 0 ? `No facts.\n${note}` : `${formatRows(facts, nowMs, ink)}\n${note}`;
}

/** One fact, with where it comes from. */
export function formatFact(fact: Fact, ink: Ink): string {
  const { person, sessionId, turnId, messageId, lastUsedAtMs, supersedes, supersededBy } = fact;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["told", sayTime(new Date(fact.createdAtMs).toISOString())],
    ["by", person],
    ["session", sessionId],
    ["turn", turnId],
    ["message", messageId],
    ["audience", fact.audience],
    ["tags", fact.tags.join(", ") || undefined],
    ["importance", fact.importance === 0 ? "0, faded: recall passes it over" : String(fact.importance)],
    ["recalled", `${fact.recallCount} times`],
    ["last", lastUsedAtMs === undefined ? undefined : sayTime(new Date(lastUsedAtMs).toISOString())],
    ["replaces", supersedes.join(", ") || undefined],
    ["replaced", supersededBy],
  ];
  const lines = rows.filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${ink.dim(name.padEnd(10))}  ${toPlain(value ?? "")}`);
  return `${toPlain(fact.text)}\n\n${lines.join("\n")}\n`;
}

function formatRows(facts: readonly Fact[], nowMs: number, ink: Ink): string {
  return formatTable(
    [
      { title: "TOLD", align: "right" },
      { title: "ID", max: wholeId },
      { title: "AUDIENCE" },
      { title: "BY", max: 40 },
      { title: "FACT", max: 100 },
    ],
    facts.map(({ id, text, createdAtMs, audience, person }) => [
      sayAgo(new Date(createdAtMs).toISOString(), nowMs),
      id,
      audience,
      person ?? "",
      text,
    ]),
    ink,
  );
}
