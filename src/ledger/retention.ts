import type { Statement } from "../core/ledger.ts";

/**
 * Deletes what an agent said and was told before `beforeMs`: at most `limit` messages and as many turns and dead letters,
 * oldest first. The first statement gives the ids of the messages that went. Of accepted events the text goes; that they
 * were accepted stays known, so that none is answered twice.
 */
export function sweepAgent(agent: string, beforeMs: number, limit: number): readonly Statement[] {
  const values = [agent, beforeMs, limit];
  const messages = `SELECT id FROM messages WHERE agent = ? AND at < ? ORDER BY at, id LIMIT ?`;
  const turns =
    `SELECT id FROM turns WHERE agent = ? AND state = 'done' AND finished_at < ? ORDER BY finished_at LIMIT ?`;
  const letters = (table: "inbox" | "outbox") =>
    `SELECT row_id FROM dead WHERE agent = ? AND at < ? AND (hop = 'outbound') = ${table === "outbox" ? 1 : 0}
      ORDER BY id LIMIT ?`;
  return [
    {
      // Its title is the beginning of a message.
      sql: `UPDATE sessions SET title = '' WHERE title <> ''
        AND id IN (SELECT session_id FROM messages WHERE id IN (${messages}))`,
      values,
    },
    { sql: `DELETE FROM messages WHERE id IN (${messages}) RETURNING id`, values, returning: true },
    {
      sql: `DELETE FROM session_people WHERE session_id IN (SELECT id FROM sessions WHERE agent = ? AND last_at < ?
        AND NOT EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id) LIMIT ?)`,
      values,
    },
    {
      sql: `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE agent = ? AND last_at < ?
        AND NOT EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id) LIMIT ?)`,
      values,
    },
    { sql: `UPDATE inbox SET event = '{}' WHERE state = 'done' AND turn_id IN (${turns})`, values },
    { sql: `DELETE FROM outbox WHERE state = 'sent' AND turn_id IN (${turns})`, values },
    { sql: `DELETE FROM steps WHERE turn_id IN (${turns})`, values },
    { sql: `DELETE FROM turns WHERE id IN (${turns})`, values },
    {
      sql: `UPDATE inbox SET state = 'done', event = '{}' WHERE state = 'dead' AND id IN (${letters("inbox")})`,
      values,
    },
    { sql: `DELETE FROM outbox WHERE state = 'dead' AND id IN (${letters("outbox")})`, values },
    {
      sql: `DELETE FROM dead WHERE id IN (SELECT id FROM dead WHERE agent = ? AND at < ? ORDER BY id LIMIT ?)`,
      values,
    },
  ];
}
