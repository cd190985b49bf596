import { type Dream, dreamPlanSchema, dreamSchema } from "../core/dream.ts";
import type { LedgerReader, Row, Statement } from "../core/ledger.ts";

/** Writes a dream down, or how it stands now. */
export function keepDream({ id, agent, state, startedAtMs, commit, plan }: Dream): Statement {
  return {
    sql: `INSERT INTO dreams (id, agent, state, started_at, commit_id, plan) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET state = excluded.state, commit_id = excluded.commit_id, plan = excluded.plan`,
    values: [id, agent, state, startedAtMs, commit ?? null, JSON.stringify(plan)],
  };
}

/** Dreams that a process has begun, or begun to take back, and not ended. Oldest first. */
export function readOpenDreams(read: LedgerReader): readonly Dream[] {
  return read.all("SELECT * FROM dreams WHERE state IN ('planned', 'reverting') ORDER BY started_at").map(toDream);
}

/** The dream that made a commit of an agent's workspace. */
export function readDreamOfCommit(read: LedgerReader, agent: string, commit: string): Dream | undefined {
  const row = read.get("SELECT * FROM dreams WHERE agent = ? AND commit_id = ?", agent, commit);
  return row === undefined ? undefined : toDream(row);
}

/** When an agent dreamt last, milliseconds since the epoch. */
export function readLastDreamMs(read: LedgerReader, agent: string): number | undefined {
  const row = read.get("SELECT max(started_at) AS at FROM dreams WHERE agent = ?", agent);
  return typeof row?.at === "number" ? row.at : undefined;
}

/** Ids of facts that stand in an agent's MEMORY.md by its dreams, or did until a person took them out. */
export function readPromoted(read: LedgerReader, agent: string): ReadonlySet<string> {
  const rows = read.all("SELECT plan FROM dreams WHERE agent = ? AND state IN ('planned', 'done')", agent);
  return new Set(
    rows.flatMap(({ plan }) => dreamPlanSchema.parse(JSON.parse(String(plan))).promoted.map(({ id }) => id)),
  );
}

function toDream(row: Row): Dream {
  return dreamSchema.parse({
    id: row["id"],
    agent: row["agent"],
    state: row["state"],
    startedAtMs: row["started_at"],
    ...(row["commit_id"] === null ? {} : { commit: row["commit_id"] }),
    plan: JSON.parse(String(row["plan"])),
  });
}
