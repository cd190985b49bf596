import type { LedgerReader, Statement } from "../core/ledger.ts";

/** An event on its way to NATS that waits on disk. */
export interface SpilledEvent {
  readonly subject: string;
  readonly eventId: string;
  /** The event as it travels, JSON. */
  readonly text: string;
  /** Whether it was handled in this process and goes out for listeners only. */
  readonly copy: boolean;
}

/** A {@linkcode SpilledEvent} with its place in the queue. */
export interface SpillRow extends SpilledEvent {
  /** Ascending in order of spilling. */
  readonly id: number;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly spilledAtMs: number;
}

/** How much waits on one subject. */
export interface SpillLane {
  readonly subject: string;
  readonly rows: number;
  /** Characters. */
  readonly size: number;
}

/** Puts an event behind those that wait on its subject. Gives back its row id, or no row where it waits already. */
export function spillEvent({ subject, eventId, text, copy }: SpilledEvent, nowMs: number): Statement {
  return {
    sql: `INSERT INTO spill (subject, event_id, event, copy, spilled_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING RETURNING id`,
    values: [subject, eventId, text, copy ? 1 : 0, nowMs],
    returning: true,
  };
}

/** Every subject on which something waits. Walks the whole table: for a start. */
export function readSpillLanes(read: LedgerReader): readonly SpillLane[] {
  return read.all(
    `SELECT subject, count(*) AS lane_rows, sum(length(event)) AS size FROM spill GROUP BY subject`,
  ).map((row) => ({ subject: String(row.subject), rows: Number(row.lane_rows), size: Number(row.size) }));
}

/** What waits on a subject after row `afterId`, oldest first. */
export function readSpill(read: LedgerReader, subject: string, afterId: number, limit: number): readonly SpillRow[] {
  return read.all(
    `SELECT id, event_id, event, copy, attempts, spilled_at FROM spill WHERE subject = ? AND id > ? ORDER BY id LIMIT ?`,
    subject,
    afterId,
    limit,
  ).map((row) => ({
    id: Number(row.id),
    subject,
    eventId: String(row.event_id),
    text: String(row.event),
    copy: row.copy === 1,
    attempts: Number(row.attempts),
    spilledAtMs: Number(row.spilled_at),
  }));
}

/** Takes away what NATS has taken, or what its dead letter holds. */
export function dropSpilled(ids: readonly number[]): Statement {
  return { sql: `DELETE FROM spill WHERE id IN (SELECT value FROM json_each(?))`, values: [JSON.stringify(ids)] };
}

/** Notes that NATS did not take an event. */
export function noteSpillAttempt(id: number, error: string): Statement {
  return { sql: `UPDATE spill SET attempts = attempts + 1, error = ? WHERE id = ?`, values: [error, id] };
}
