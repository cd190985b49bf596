import { structuredPatch } from "diff";
import type { Ink } from "../cli/ink.ts";
import { toPlain } from "../cli/plain.ts";
import { hidePlainSecrets } from "../config/plain_secrets.ts";

/** Shows what an edit changes in a file, for a person who may not be alone: secrets are not shown. */
export function formatDiff(path: string, before: string, after: string, ink: Ink): string {
  const { hunks } = structuredPatch(path, path, before, after, "", "", { context: 2 });
  const paint = (line: string) => line.startsWith("+") ? ink.good(line) : line.startsWith("-") ? ink.bad(line) : line;
  const lines = hunks.flatMap(({ oldStart, newStart, lines }) => [
    ink.dim(`@@ line ${Math.max(1, before === "" ? newStart : oldStart)}`),
    ...lines.filter((line) => !line.startsWith("\\")).map((line) => paint(toPlain(hidePlainSecrets(line)))),
  ]);
  return [ink.bold(path + (before === "" ? " (new)" : "")), ...lines].join("\n") + "\n";
}
