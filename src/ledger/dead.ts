import type { DeadLetter } from "../core/bus.ts";
import { AppError } from "../core/error.ts";
import type { Ledger, LedgerReader, Row, SqlValue, Statement } from "../core/ledger.ts";
import { spillEvent } from "./spill.ts";

/** A dead letter as lists show it. */
export interface DeadLetterSummary {
  readonly id: number;
  readonly hop: string;
  readonly subject: string;
  readonly eventId: string;
  readonly agent: string | null;
  readonly sessionId: string | null;
  readonly kind: string;
  readonly reason: string | null;
  readonly message: string;
  readonly attempts: number;
  readonly firstAt: string;
  readonly at: string;
  readonly replayedAt: string | null;
}

/** A dead letter with what died. */
export interface DeadLetterDetail extends DeadLetterSummary {
  /** The event or message, as parsed JSON. */
  readonly body: unknown;
}

/** Which dead letters are meant. All given conditions hold together. */
export interface DeadLetterFilter {
  readonly hop?: string | undefined;
  /** Subject, or its beginning followed by `>`. */
  readonly subject?: string | undefined;
  /** Error kind or reason. */
  readonly cause?: string | undefined;
  /** Written longer ago than this, milliseconds. */
  readonly olderThanMs?: number | undefined;
  /** Also those that were replayed. @default {false} */
  readonly replayed?: boolean | undefined;
  /** Only ids below this, for the next page. */
  readonly before?: number | undefined;
  /** @default {100} */
  readonly limit?: number | undefined;
}

/** Dead letters by id, or all that a filter names. */
export type DeadLetterSelection = { readonly ids: readonly number[] } | { readonly filter: DeadLetterFilter };

/** Writes a dead letter. */
export function writeDeadLetter(letter: DeadLetter, nowMs: number): Statement {
  return {
    sql:
      `INSERT INTO dead (hop, subject, event_id, agent, session_id, kind, reason, message, attempts, body, row_id, first_at, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    values: [
      letter.hop,
      letter.subject,
      letter.eventId,
      letter.agent ?? null,
      letter.sessionId ?? null,
      letter.cause.kind,
      letter.cause.reason ?? null,
      letter.cause.message,
      letter.attempts,
      letter.body,
      letter.rowId ?? null,
      Date.parse(letter.firstAt),
      nowMs,
    ],
  };
}

/** Neither replayed nor purged. */
export const isOpen = "replayed_at IS NULL AND purged_at IS NULL";

const summaryColumns =
  "id, hop, subject, event_id, agent, session_id, kind, reason, message, attempts, first_at, at, replayed_at";

/** Newest first. What was purged is not among them. */
export async function listDeadLetters(
  ledger: Pick<Ledger, "query">,
  filter: DeadLetterFilter,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly DeadLetterSummary[]> {
  const { where, values } = toCondition(filter, nowMs);
  const limit = Math.min(Math.max(filter.limit ?? 100, 1), 1_000);
  // Found by an index that holds all of the conditions, so that no body is read through, and none is handed over.
  const sql = `SELECT ${summaryColumns} FROM (SELECT id AS found FROM dead WHERE ${where} ORDER BY id DESC LIMIT ?)
    JOIN dead ON id = found ORDER BY id DESC`;
  return (await ledger.query({ sql, values: [...values, limit] }, signal)).map(toSummary);
}

/** One dead letter, whole; `undefined` also for one that was purged. */
export function readDeadLetter(read: LedgerReader, id: number): DeadLetterDetail | undefined {
  const row = read.get(`SELECT ${summaryColumns}, body FROM dead WHERE id = ? AND purged_at IS NULL`, id);
  return row === undefined ? undefined : { ...toSummary(row), body: JSON.parse(String(row.body)) };
}

/** The dead letters that a selection names: those that are there and not replayed yet. */
export async function selectDeadLetters(
  ledger: Pick<Ledger, "query">,
  selection: DeadLetterSelection,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  if ("ids" in selection) {
    if (selection.ids.length === 0) return [];
    const sql = `SELECT id FROM dead WHERE ${isOpen} AND id IN (SELECT value FROM json_each(?)) ORDER BY id`;
    return (await ledger.query({ sql, values: [JSON.stringify(selection.ids)] }, signal)).map((row) => Number(row.id));
  }
  const { where, values } = toCondition({ ...selection.filter, replayed: false }, nowMs);
  const sql = `SELECT id FROM dead WHERE ${where} ORDER BY id LIMIT ?`;
  const limit = selection.filter.limit ?? 100_000;
  return (await ledger.query({ sql, values: [...values, limit] }, signal)).map((row) => Number(row.id));
}

/**
 * Makes what died live again, keeping its id: an inbox row becomes ready, an outbox row queued, an event for NATS spilled. One unit, so that a
 * letter is never both replayed and dead.
 *
 * @throws {AppError} `missing` for a letter that is not there; `conflict` for one that was replayed or whose row is swept.
 */
export function replayDeadLetter(
  read: LedgerReader,
  id: number,
  nowMs: number,
  expiresAtMs: number,
): readonly Statement[] {
  const letter = read.get(
    `SELECT hop, subject, event_id, body, row_id, replayed_at FROM dead WHERE id = ? AND purged_at IS NULL`,
    id,
  );
  if (letter === undefined) {
    throw new AppError("missing", `Cannot replay dead letter ${id}: there is none. See: agent dlq list`);
  }
  if (letter.replayed_at !== null) {
    throw new AppError("conflict", `Cannot replay dead letter ${id}: it was replayed before`);
  }
  const marked: Statement = {
    sql: `UPDATE dead SET replayed_at = ? WHERE id = ? AND replayed_at IS NULL`,
    values: [nowMs, id],
  };
  if (letter.hop === "spill") {
    const [subject, eventId, text] = [letter.subject, letter.event_id, letter.body].map(String);
    return [
      spillEvent({ subject: subject ?? "", eventId: eventId ?? "", text: text ?? "", copy: false }, nowMs),
      marked,
    ];
  }
  if (letter.hop === "inbound" && letter.row_id === null) {
    throw new AppError("conflict", `Cannot replay dead letter ${id}: it cannot be read. Publish it again, corrected`);
  }
  const table = letter.hop === "outbound" ? "outbox" : "inbox";
  const row = read.get(
    table === "outbox"
      ? `SELECT id FROM outbox WHERE id = ? AND state = 'dead'`
      : `SELECT id FROM inbox WHERE id = ? AND state = 'dead'`,
    letter.row_id ?? null,
  );
  if (row === undefined) {
    throw new AppError("conflict", `Cannot replay dead letter ${id}: the message behind it is no longer kept`);
  }
  if (table === "outbox") {
    return [{
      sql: `UPDATE outbox SET state = 'queued', attempts = 0, error = NULL, finished_at = NULL, expires_at = ?
          WHERE id = ? AND state = 'dead'`,
      values: [expiresAtMs, row.id ?? null],
    }, marked];
  }
  // A new row id puts it behind what consumers have seen already; the event keeps its own id.
  return [{
    sql: `UPDATE inbox SET id = (SELECT max(id) + 1 FROM inbox), state = 'ready', outcome = NULL, turn_id = NULL,
      attempts = 0, finished_at = NULL, received_at = ? WHERE id = ? AND state = 'dead'`,
    values: [nowMs, row.id ?? null],
  }, marked];
}

/**
 * Makes an outbound message that died live again with another text, keeping its id and key. One unit.
 *
 * @throws {AppError} as {@linkcode replayDeadLetter}; `invalid` for what is no outbound message.
 */
export function replayEdited(
  read: LedgerReader,
  id: number,
  text: string,
  nowMs: number,
  expiresAtMs: number,
): readonly Statement[] {
  const replayed = replayDeadLetter(read, id, nowMs, expiresAtMs);
  const letter = read.get(`SELECT hop, row_id FROM dead WHERE id = ?`, id);
  if (letter?.hop !== "outbound") {
    throw new AppError(
      "invalid",
      `Cannot change dead letter ${id}: it is no outbound message. What came in is answered as it was written`,
    );
  }
  const changed: Statement = {
    sql: `UPDATE outbox SET body = json_set(body, '$.text', ?) WHERE id = ? AND state = 'dead'`,
    values: [text, letter.row_id ?? null],
  };
  return [changed, ...replayed];
}

/** Takes dead letters away. Until they are swept {@linkcode restoreDeadLetters} brings them back. */
export function purgeDeadLetters(ids: readonly number[], nowMs: number): Statement {
  return {
    sql: `UPDATE dead SET purged_at = ? WHERE ${isOpen} AND id IN (SELECT value FROM json_each(?))`,
    values: [nowMs, JSON.stringify(ids)],
  };
}

/** Brings back what was purged at `purgedAtMs` and is not swept yet. Gives back the id of each. */
export function restoreDeadLetters(purgedAtMs: number): Statement {
  return {
    sql: `UPDATE dead SET purged_at = NULL WHERE purged_at = ? RETURNING id`,
    values: [purgedAtMs],
    returning: true,
  };
}

/**
 * Takes at most `limit` letters that were purged before `beforeMs` away for good, and lets go of the rows behind them:
 * what came in stays known to the dedupe.
 */
export function sweepPurged(beforeMs: number, limit: number): readonly Statement[] {
  const values = [beforeMs, limit];
  const purged = `FROM dead WHERE purged_at < ? ORDER BY purged_at LIMIT ?`;
  const rowsOf = (hops: string) => `SELECT row_id FROM (SELECT hop, row_id ${purged}) WHERE ${hops}`;
  return [
    { sql: `UPDATE inbox SET state = 'done' WHERE state = 'dead' AND id IN (${rowsOf("hop <> 'outbound'")})`, values },
    { sql: `DELETE FROM outbox WHERE state = 'dead' AND id IN (${rowsOf("hop = 'outbound'")})`, values },
    { sql: `DELETE FROM dead WHERE id IN (SELECT id ${purged})`, values },
  ];
}

function toCondition(filter: DeadLetterFilter, nowMs: number): { where: string; values: SqlValue[] } {
  const conditions: string[] = ["purged_at IS NULL"];
  const values: SqlValue[] = [];
  const add = (condition: string, ...given: SqlValue[]) => {
    conditions.push(condition);
    values.push(...given);
  };
  if (filter.replayed !== true) add("replayed_at IS NULL");
  if (filter.hop !== undefined) add("hop = ?", filter.hop);
  if (filter.cause !== undefined) add("(kind = ? OR reason = ?)", filter.cause, filter.cause);
  if (filter.olderThanMs !== undefined) add("at < ?", nowMs - filter.olderThanMs);
  if (filter.before !== undefined) add("id < ?", filter.before);
  if (filter.subject !== undefined) {
    const prefix = filter.subject.endsWith(">") ? filter.subject.slice(0, -1) : undefined;
    if (prefix === undefined) add("subject = ?", filter.subject);
    else add("substr(subject, 1, ?) = ?", prefix.length, prefix);
  }
  return { where: conditions.join(" AND "), values };
}

function toSummary(row: Row): DeadLetterSummary {
  return {
    id: Number(row.id),
    hop: String(row.hop),
    subject: String(row.subject),
    eventId: String(row.event_id),
    agent: toText(row.agent),
    sessionId: toText(row.session_id),
    kind: String(row.kind),
    reason: toText(row.reason),
    message: String(row.message),
    attempts: Number(row.attempts),
    firstAt: new Date(Number(row.first_at)).toISOString(),
    at: new Date(Number(row.at)).toISOString(),
    replayedAt: row.replayed_at === null ? null : new Date(Number(row.replayed_at)).toISOString(),
  };
}

function toText(value: SqlValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}
