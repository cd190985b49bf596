import type { LedgerReader, Row, Statement } from "../core/ledger.ts";
import { parseSessionId, type SessionKey, toSessionId } from "../core/session.ts";
import { type TranscriptEntry, transcriptEntrySchema } from "../core/transcript.ts";

/** How a session stands. */
export interface SessionState {
  /** Counts how often the session began afresh. */
  readonly epoch: number;
  readonly ended: boolean;
  /** Milliseconds since the epoch of the last message. */
  readonly lastAtMs: number;
}

/** The session's row, or `undefined` where nobody has spoken yet. */
export function readSession(read: LedgerReader, sessionId: string): SessionState | undefined {
  const row = read.get(`SELECT epoch, ended, last_at FROM sessions WHERE id = ?`, sessionId);
  return row && { epoch: Number(row.epoch), ended: row.ended === 1, lastAtMs: Number(row.last_at) };
}

/** Writes that a session was alive at `nowMs` in `epoch`. */
export function touchSession(key: SessionKey, epoch: number, title: string, nowMs: number): Statement {
  return {
    sql: `INSERT INTO sessions (id, agent, plugin, instance, conversation, thread, title, epoch, created_at, last_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, ended = 0, last_at = max(last_at, excluded.last_at),
        title = iif(title = '', excluded.title, title)`,
    values: [
      toSessionId(key),
      key.agent,
      key.plugin,
      key.instance,
      key.conversation,
      key.thread ?? null,
      title,
      epoch,
      nowMs,
      nowMs,
    ],
  };
}

/** Marks a session as ended where it is still silent since `beforeMs`; its transcript stays. */
export function endSession(sessionId: string, beforeMs: number): Statement {
  return { sql: `UPDATE sessions SET ended = 1 WHERE id = ? AND last_at < ?`, values: [sessionId, beforeMs] };
}

/** Sessions that were silent since `beforeMs` and are not ended yet. */
export function readSilentSessions(read: LedgerReader, beforeMs: number, limit: number): readonly SessionKey[] {
  return read.all(`SELECT id FROM sessions WHERE ended = 0 AND last_at < ? ORDER BY last_at LIMIT ?`, beforeMs, limit)
    .map((row) => parseSessionId(String(row.id))).filter((key) => key !== undefined);
}

/** Appends one entry to a session's transcript. */
export function appendEntry(
  key: SessionKey,
  epoch: number,
  turnId: string | null,
  entry: TranscriptEntry,
  nowMs: number,
): Statement {
  return {
    sql: `INSERT INTO messages (agent, session_id, epoch, turn_id, role, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    values: [key.agent, toSessionId(key), epoch, turnId, entry.role, JSON.stringify(entry), nowMs],
  };
}

/** The newest entries of a session in its epoch, oldest first. The agent is asked for too: no query crosses agents. */
export function readHistory(
  read: LedgerReader,
  key: SessionKey,
  epoch: number,
  limit: number,
): readonly TranscriptEntry[] {
  return read.all(
    `SELECT body FROM messages WHERE session_id = ? AND agent = ? AND epoch = ? ORDER BY id DESC LIMIT ?`,
    toSessionId(key),
    key.agent,
    epoch,
    limit,
  ).map(toEntry).reverse();
}

function toEntry(row: Row): TranscriptEntry {
  return transcriptEntrySchema.parse(JSON.parse(String(row.body)));
}
