import { readWritten } from "./document.ts";
import { isPlain } from "./same.ts";

/**
 * Settings that reach further than what an agent says: into files, to other machines, to keys and tools, who reaches the
 * listeners, and what is known of it afterwards. Their own names, or those of sections.
 */
const farSettings: readonly string[] = [
  "workspace",
  "skills_dir",
  "allowed_tools",
  "base_url",
  "api_key",
  "headers",
  "embedder",
  "broker",
  "http",
  "redact",
  "audit",
];

/**
 * Names, such as `agents.workspace`, of what the text after an edit reaches and the one before did not: settings of that
 * kind, and whatever holds a reference, which puts a variable or a file into sight. A text with faults reaches nothing,
 * since it comes into force nowhere.
 */
export function findNewReach(before: string, after: string): readonly string[] {
  const known = new Set(listReach(readWritten(before), []).map(toKey));
  const found = listReach(readWritten(after), []).filter((one) => !known.has(toKey(one)));
  return [...new Set(found.map(({ names }) => names.join(".")))];
}

interface Reach {
  /** Keys on the way to it. Places in lists are left out: what only moves reaches nothing new. */
  readonly names: readonly string[];
  readonly value: unknown;
}

function listReach(value: unknown, names: readonly string[]): readonly Reach[] {
  if (Array.isArray(value)) return value.flatMap((item) => listReach(item, names));
  if (isPlain(value)) return Object.entries(value).flatMap(([key, part]) => listReach(part, [...names, key]));
  const isReference = typeof value === "string" && value.includes("${");
  return isReference || names.some((name) => farSettings.includes(name)) ? [{ names, value }] : [];
}

function toKey({ names, value }: Reach): string {
  return JSON.stringify([names, value]);
}
