import type { Dream, DreamPlan } from "../core/dream.ts";

const heading = "## Recalled often";
const entryStart = /^## \d{4}-\d{2}-\d{2} /m;
/** Dreams that DREAMS.md tells of; the history has them all. */
const entriesBound = 30;

/** MEMORY.md with the promoted facts under a heading of their own. Lines that are there already are not added. */
export function addPromoted(text: string, { promoted }: DreamPlan): string {
  const lines = text.split("\n");
  const fresh = promoted.map((fact) => `- ${toLine(fact.text)}`).filter((line) => !lines.includes(line));
  if (fresh.length === 0) return text;
  const at = lines.indexOf(heading);
  if (at < 0) return `${text.trimEnd()}${text.trim() === "" ? "" : "\n\n"}${heading}\n\n${fresh.join("\n")}\n`;
  let end = at + 1;
  while (end < lines.length && (lines[end] === "" || lines[end]?.startsWith("- "))) end++;
  while (lines[end - 1] === "" && end > at + 1) end--;
  lines.splice(end, 0, ...end === at + 1 ? [""] : [], ...fresh);
  return lines.join("\n");
}

/** DREAMS.md with a dream on top: what came, what went, what changed. Facts that not everybody may know stand by their id. */
export function addEntry(text: string, dream: Dream): string {
  const { promoted, merged, faded } = dream.plan;
  const when = new Date(dream.startedAtMs).toISOString();
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${title}\n\n\`\`\`diff\n${lines.join("\n")}\n\`\`\``];
  const entry = [
    `## ${when.slice(0, 10)} ${when.slice(11, 16)} UTC`,
    ...section(
      "Promoted into MEMORY.md:",
      promoted.map((fact) => `+ ${toLine(fact.text)} (recalled ${fact.recallCount} times, fact ${fact.id})`),
    ),
    ...section("Merged:", merged.flatMap(sayMerged)),
    ...section(
      "Faded:",
      faded.map((fact) => {
        const line = `${toLine(fact.text ?? "a private fact")} (fact ${fact.id}, importance ${say(fact.before)}`;
        return `${fact.after === 0 ? "-" : "!"} ${line} to ${say(fact.after)})`;
      }),
    ),
  ].join("\n\n");
  const older = text.slice(Math.max(0, text.search(entryStart))).split(/(?=^## \d{4}-)/m)
    .filter((one) => entryStart.test(one)).slice(0, entriesBound - 1);
  return `# Dreams\n\n${[entry, ...older.map((one) => one.trim())].join("\n\n")}\n`;
}

function sayMerged({ replaced, before, text, isOpen, made }: DreamPlan["merged"][number]): readonly string[] {
  if (!isOpen) return [`! ${replaced.length} private facts became one (fact ${made ?? ""})`];
  return [...before.map((one) => `- ${toLine(one)}`), `+ ${toLine(text)} (fact ${made ?? ""})`];
}

function toLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function say(importance: number): string {
  return importance.toFixed(2);
}
