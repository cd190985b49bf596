import type { Ledger, LedgerReader, Row, SqlValue, Statement } from "../core/ledger.ts";
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

/** What a session holds since its newest summary. */
export interface SessionHistory {
  readonly summary: { readonly text: string; readonly untrusted: boolean; readonly throughId: number } | undefined;
  /** Oldest first. */
  readonly entries: readonly TranscriptEntry[];
  /** There are older ones, which no summary holds. */
  readonly isCut: boolean;
}

/**
 * The newest summary of a session in its epoch, and at most `limit` entries after what it sums up. The agent is asked for
 * too: no query crosses agents.
 */
export function readHistory(read: LedgerReader, key: SessionKey, epoch: number, limit: number): SessionHistory {
  const place = [toSessionId(key), key.agent, epoch] as const;
  const row = read.get(
    `SELECT body, through_id FROM messages WHERE session_id = ? AND agent = ? AND epoch = ? AND through_id IS NOT NULL
      ORDER BY id DESC LIMIT 1`,
    ...place,
  );
  const note = row && toEntry(row);
  const summary = note?.role === "note"
    ? { text: note.text, untrusted: note.untrusted === true, throughId: Number(row?.through_id) }
    : undefined;
  const rows = read.all(
    `SELECT body FROM messages WHERE session_id = ? AND agent = ? AND epoch = ? AND id > ? AND through_id IS NULL
      ORDER BY id DESC LIMIT ?`,
    ...place,
    summary?.throughId ?? 0,
    limit + 1,
  );
  return { summary, entries: rows.slice(0, limit).map(toEntry).reverse(), isCut: rows.length > limit };
}

/** What of a session is to be summed up: entries since its newest summary, as a person reads them. */
export interface SummaryRow {
  readonly id: number;
  readonly role: TranscriptEntry["role"];
  readonly text: string;
  /** Who wrote it, or which tool gave it. */
  readonly author: string | undefined;
  /** Characters of the whole entry. */
  readonly size: number;
  readonly untrusted: boolean;
}

/** The entries of a session after entry `afterId`, at most the newest `limit`, oldest first, each cut at `maxChars`. */
export async function readForSummary(
  ledger: Pick<Ledger, "query">,
  key: SessionKey,
  epoch: number,
  { afterId, limit, maxChars }: { readonly afterId: number; readonly limit: number; readonly maxChars: number },
  signal: AbortSignal,
): Promise<readonly SummaryRow[]> {
  const rows = await ledger.query({
    sql: `SELECT m.id, m.role, substr(t.text, 1, ?) AS text, length(m.body) AS size,
        coalesce(json_extract(m.body, '$.sender'), json_extract(m.body, '$.results[0].name')) AS author,
        json_extract(m.body, '$.untrusted') AS untrusted
      FROM messages m JOIN message_texts t ON t.id = m.id
      WHERE m.session_id = ? AND m.agent = ? AND m.epoch = ? AND m.id > ? ORDER BY m.id DESC LIMIT ?`,
    values: [maxChars, toSessionId(key), key.agent, epoch, afterId, limit],
  }, signal);
  return rows.map((row) => ({
    id: Number(row.id),
    role: toRole(row.role),
    text: String(row.text ?? ""),
    author: typeof row.author === "string" ? row.author : undefined,
    size: Number(row.size),
    untrusted: row.untrusted === 1,
  })).reverse();
}

/** What a summary was made of. */
export interface SummarySource {
  /** The last entry that the summary before held; 0 where there was none. */
  readonly afterId: number;
  readonly firstId: number;
  readonly throughId: number;
  /** How many entries there were from `firstId` to `throughId`. */
  readonly count: number;
}

/**
 * Appends a summary of the entries up to `throughId`. Gives back its row, or none where what it was made of is no longer
 * what is there: somebody else summed it up, or an entry of it was deleted, and the summary would keep its words.
 */
export function appendSummary(
  key: SessionKey,
  epoch: number,
  entry: Extract<TranscriptEntry, { role: "note" }>,
  { afterId, firstId, throughId, count }: SummarySource,
  nowMs: number,
): Statement {
  const id = toSessionId(key);
  return {
    sql: `INSERT INTO messages (agent, session_id, epoch, role, body, at, through_id) SELECT ?, ?, ?, 'note', ?, ?, ?
      WHERE ? = (SELECT count(*) FROM messages
          WHERE session_id = ? AND epoch = ? AND id BETWEEN ? AND ? AND through_id IS NULL)
        AND ? = (SELECT coalesce(max(through_id), 0) FROM messages
          WHERE session_id = ? AND epoch = ? AND through_id IS NOT NULL)
      RETURNING id`,
    values: [
      ...[key.agent, id, epoch, JSON.stringify(entry), nowMs, throughId],
      ...[count, id, epoch, firstId, throughId],
      ...[afterId, id, epoch],
    ],
    returning: true,
  };
}

function toRole(value: SqlValue | undefined): TranscriptEntry["role"] {
  return value === "user" || value === "assistant" || value === "tool" ? value : "note";
}

function toEntry(row: Row): TranscriptEntry {
  return transcriptEntrySchema.parse(JSON.parse(String(row.body)));
}
