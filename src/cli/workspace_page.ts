import type { WorkspaceHistoryView, WorkspacePatchView, WorkspaceShown } from "../http/workspace_api.ts";
import type { Ink } from "./ink.ts";
import { toPlain, toPlainLine } from "./plain.ts";
import { sayTime } from "./say.ts";
import { formatTable } from "./table.ts";

/** Changes, one a line, newest first, and what is not among them. */
export function formatHistory({ commits, troubles }: WorkspaceHistoryView, ink: Ink): string {
  const warnings = troubles.map(({ reason }) => `${ink.warn("Not in the history")}: ${toPlainLine(reason, 500)}\n`);
  if (commits.length === 0) return `Nothing has been changed yet.\n${warnings.join("")}`;
  const table = formatTable(
    [{ title: "COMMIT" }, { title: "AT" }, { title: "BY" }, { title: "WHY", max: 80 }, { title: "FILES" }],
    commits.map(({ id, at, author, why, files }) => [id.slice(0, 10), sayTime(at), author, why, files.join(", ")]),
    ink,
  );
  return `${table}\n\n${warnings.join("")}One of them: agent workspace show AGENT COMMIT\n`;
}

/** One change, whole. */
export function formatShown({ commit, patches }: WorkspaceShown, ink: Ink): string {
  const facts = [
    ["at", sayTime(commit.at)],
    ["by", commit.author],
    ["why", commit.why],
    ["session", commit.sessionId],
    ["turn", commit.turnId],
  ].flatMap(([name = "", value]) =>
    value === undefined ? [] : [`  ${ink.dim(name.padEnd(7))}  ${toPlainLine(value, 2_000)}`]
  );
  return `${ink.bold(commit.id)}\n${facts.join("\n")}\n\n${formatPatches(patches, ink)}`;
}

/** What happened to files. */
export function formatPatches(patches: readonly WorkspacePatchView[], ink: Ink): string {
  if (patches.length === 0) return "Nothing differs.\n";
  const paint = (line: string) => line.startsWith("+") ? ink.good(line) : line.startsWith("-") ? ink.bad(line) : line;
  return patches.map(({ path, patch }) =>
    patch === "" ? `${toPlainLine(path, 400)} is no text\n` : toPlain(patch).split("\n").map(paint).join("\n")
  ).join("\n");
}
