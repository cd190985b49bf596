import type { LedgerReader, Row, Statement } from "../core/ledger.ts";
import { type Outbound, outboundSchema, type Receipt, receiptSchema } from "../core/message.ts";

/** Where a message goes out. */
export interface OutboxAddress {
  readonly plugin: string;
  readonly instance: string;
}

/** One row that is not finished. */
export interface OutboxRow extends OutboxAddress {
  readonly id: number;
  readonly state: "queued" | "sending";
  readonly unknown: boolean;
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly message: Outbound;
}

/** Queues a message. Gives back its row id, or no row where the key was queued before. */
export function queueMessage(address: OutboxAddress, message: Outbound, nowMs: number, expiresAtMs: number): Statement {
  return {
    sql: `INSERT INTO outbox (key, plugin, instance, conversation, session_id, turn_id, body, created_at, expires_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id`,
    values: [
      message.key,
      address.plugin,
      address.instance,
      message.conversation,
      message.sessionId,
      message.turnId,
      JSON.stringify(message),
      nowMs,
      // A duration such as 1.3333s has parts of a millisecond, the column has not.
      Math.ceil(expiresAtMs),
    ],
    returning: true,
  };
}

/** Says that a send is about to start, for channels that cannot tell afterwards whether it happened. */
export function markSending(id: number): Statement {
  return { sql: `UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?`, values: [id] };
}

/** The provider took the message. */
export function markSent(id: number, receipt: Receipt, nowMs: number): Statement {
  return {
    sql: `UPDATE outbox SET state = 'sent', receipt = ?, error = NULL, finished_at = ? WHERE id = ?`,
    values: [JSON.stringify(receipt), nowMs, id],
  };
}

/** The provider did not take the message; it is tried again. */
export function markQueued(id: number, error: string | null, unknown: boolean): Statement {
  return {
    sql: `UPDATE outbox SET state = 'queued', error = ?, unknown = max(unknown, ?) WHERE id = ?`,
    values: [error, unknown ? 1 : 0, id],
  };
}

/** The message will never be sent; its dead letter is written by the same unit. */
export function markDead(id: number, error: string, nowMs: number): Statement {
  return {
    sql: `UPDATE outbox SET state = 'dead', error = ?, finished_at = ? WHERE id = ?`,
    values: [error, nowMs, id],
  };
}

/** Ids and addresses of everything that is not finished, oldest first. */
export function readOpenOutbox(read: LedgerReader): readonly { readonly id: number; readonly lane: string }[] {
  return read.all(
    `SELECT id, plugin, instance, conversation FROM outbox
      WHERE state IN ('queued', 'sending') ORDER BY id`,
  ).map((row) => ({
    id: Number(row.id),
    lane: toOutboxLane({ plugin: String(row.plugin), instance: String(row.instance) }, String(row.conversation)),
  }));
}

/** One row that is not finished, by id. */
export function readOutboxRow(read: LedgerReader, id: number): OutboxRow | undefined {
  const row = read.get(`SELECT * FROM outbox WHERE id = ? AND state IN ('queued', 'sending')`, id);
  return row === undefined ? undefined : toOutboxRow(row);
}

/** The message with this key, sent or not. */
export function readMessage(read: LedgerReader, key: string): Outbound | undefined {
  const row = read.get(`SELECT body FROM outbox WHERE key = ?`, key);
  return row === undefined ? undefined : outboundSchema.parse(JSON.parse(String(row.body)));
}

/** What became of the message with this key, where it has come to its end. */
export function readFate(read: LedgerReader, key: string):
  | { readonly state: "sent"; readonly receipt: Receipt }
  | { readonly state: "dead"; readonly reason: string }
  | undefined {
  const row = read.get(`SELECT state, receipt, error FROM outbox WHERE key = ?`, key);
  if (row?.state === "sent") return { state: "sent", receipt: receiptSchema.parse(JSON.parse(String(row.receipt))) };
  return row?.state === "dead" ? { state: "dead", reason: String(row.error) } : undefined;
}

/** Key of the queue in which a message waits: one for each conversation of an instance. */
export function toOutboxLane(address: OutboxAddress, conversation: string): string {
  return `${address.plugin}/${address.instance}/${conversation}`;
}

function toOutboxRow(row: Row): OutboxRow {
  const state = row.state === "sending" ? "sending" : "queued";
  return {
    id: Number(row.id),
    plugin: String(row.plugin),
    instance: String(row.instance),
    state,
    unknown: row.unknown === 1,
    attempts: Number(row.attempts),
    createdAtMs: Number(row.created_at),
    expiresAtMs: Number(row.expires_at),
    message: outboundSchema.parse(JSON.parse(String(row.body))),
  };
}
