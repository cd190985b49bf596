import type { LedgerReader, Statement } from "../core/ledger.ts";
import { isOpen } from "./dead.ts";

/** How many rows wait, and since when. */
export interface QueueDepth {
  readonly queue: "inbox" | "outbox" | "spill" | "dead";
  readonly depth: number;
  /** Milliseconds since the epoch, where something waits. */
  readonly oldestAtMs: number | undefined;
}

/**
 * Every queue of the ledger. Each count walks an index of what waits, and one row of each queue is read: the first, which
 * is the oldest. Bodies may be large, so that reading every row would stall whoever asks.
 */
export function readQueueDepths(read: LedgerReader): readonly QueueDepth[] {
  const waiting = (table: string, since: string, condition: string) =>
    `SELECT depth, (SELECT ${since} FROM ${table} WHERE id = first) AS oldest
      FROM (SELECT count(*) AS depth, min(id) AS first FROM ${table} WHERE ${condition})`;
  return [
    { queue: "inbox" as const, sql: waiting("inbox", "received_at", `state = 'ready'`) },
    { queue: "outbox" as const, sql: waiting("outbox", "created_at", `state IN ('queued', 'sending')`) },
    { queue: "spill" as const, sql: waiting("spill", "spilled_at", "TRUE") },
    { queue: "dead" as const, sql: waiting("dead", "at", isOpen) },
  ].map(({ queue, sql }) => {
    const row = read.get(sql);
    const oldest = row?.oldest;
    return { queue, depth: Number(row?.depth ?? 0), oldestAtMs: typeof oldest === "number" ? oldest : undefined };
  });
}

/** How many accepted events wait, counted up to `limit`. */
export function countWaiting(read: LedgerReader, limit: number): number {
  const sql = `SELECT count(*) AS depth FROM (SELECT 1 FROM inbox WHERE state = 'ready' LIMIT ?)`;
  return Number(read.get(sql, limit)?.depth ?? 0);
}

/**
 * Sweeps finished rows older than `beforeMs`, at most `limit` of each table, so that one sweep never holds the writer
 * for long. Transcripts and dead letters stay. So does the newest row of the inbox, as SQLite would give its number
 * again, and a consumer takes a number that it has seen for a row that it has seen.
 */
export function sweepFinished(beforeMs: number, limit: number): readonly Statement[] {
  const values = [beforeMs, limit];
  // Oldest first by an index of what is finished: a sweep that finds nothing must not read through the tables.
  const oldTurns = `SELECT id FROM turns WHERE state = 'done' AND finished_at < ? ORDER BY finished_at LIMIT ?`;
  return [
    {
      sql: `DELETE FROM inbox WHERE id IN
        (SELECT id FROM inbox WHERE state = 'done' AND finished_at < ? ORDER BY finished_at LIMIT ?)
        AND id < (SELECT max(id) FROM inbox)`,
      values,
    },
    {
      sql: `DELETE FROM outbox WHERE id IN
        (SELECT id FROM outbox WHERE state = 'sent' AND finished_at < ? ORDER BY finished_at LIMIT ?)`,
      values,
    },
    { sql: `DELETE FROM steps WHERE turn_id IN (${oldTurns})`, values },
    { sql: `DELETE FROM turns WHERE id IN (${oldTurns})`, values },
  ];
}
