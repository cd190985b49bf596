import type { FactFilter, Viewer } from "../core/memory.ts";

/** A condition of a query on facts, whose table is named `f`. */
export interface Clause {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** Every fact. */
export const everything: Clause = { sql: "1", values: [] };

/** What a viewer may be told. */
export function toSeen(viewer: Viewer): Clause {
  if (viewer.kind === "operator") return everything;
  return viewer.isGroup || viewer.person === undefined
    ? { sql: "(f.open = 1 OR f.place = ?)", values: [viewer.conversation] }
    : { sql: "(f.open = 1 OR f.person = ?)", values: [viewer.person] };
}

/** What a filter lets through. */
export function toFilter({ tags, person, sinceMs, beforeMs }: FactFilter): Clause {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  for (const tag of tags ?? []) {
    parts.push("f.row IN (SELECT row FROM tags WHERE tag = ?)");
    values.push(tag);
  }
  if (person !== undefined) {
    parts.push("f.person = ?");
    values.push(person);
  }
  if (sinceMs !== undefined) {
    parts.push("f.created_at >= ?");
    values.push(sinceMs);
  }
  if (beforeMs !== undefined) {
    parts.push("f.created_at < ?");
    values.push(beforeMs);
  }
  return parts.length === 0 ? everything : { sql: parts.join(" AND "), values };
}
