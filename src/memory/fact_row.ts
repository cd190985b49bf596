import { z } from "zod";
import { audienceSchema, type Fact, operatorKey } from "../core/memory.ts";

/** A row as SQLite gives it, by column name. */
export type Row = Readonly<Record<string, string | number | null>>;

const tagsSchema = z.array(z.string());

/** The fact of a row of `facts`; `replaced` are the rows of those that it replaced. */
export function toFact(row: Row, replaced: readonly Row[]): Fact {
  return {
    id: String(row["id"]),
    text: String(row["text"]),
    tags: tagsSchema.parse(JSON.parse(String(row["tags"]))),
    importance: Number(row["importance"]),
    audience: audienceSchema.parse(row["audience"]),
    ...optional("person", row["person"]),
    ...optional("sessionId", row["session_id"]),
    ...optional("turnId", row["turn_id"]),
    ...optional("messageId", row["message_id"]),
    ...(String(row["key"]).startsWith(operatorKey) ? { author: "operator" } : {}),
    createdAtMs: Number(row["created_at"]),
    ...(row["used_at"] === null ? {} : { lastUsedAtMs: Number(row["used_at"]) }),
    recallCount: Number(row["recall_count"]),
    supersedes: replaced.map(({ id }) => String(id)),
    ...optional("supersededBy", row["superseded_by"]),
  };
}

function optional<K extends string>(key: K, value: string | number | null | undefined): Partial<Record<K, string>> {
  // The type checker sees `{ [x: string]: string }`, which is what this is for one key.
  return value === null || value === undefined ? {} : { [key]: String(value) } as Partial<Record<K, string>>;
}
