import type { BusEvent, Delivery, ProviderKey } from "../core/bus.ts";
import type { LedgerReader, Row, Statement } from "../core/ledger.ts";

/** Why an inbox row is finished: a turn's outcome, or `refused:<reason>`, or `expired`. */
export type InboxOutcome = "answered" | "failed" | "silent" | "delivered" | "expired" | `refused:${string}`;

/** Accepts an event for one durable consumer. Gives back its row id, or no row where it was accepted before. */
export function acceptEvent(consumer: string, event: BusEvent, key: ProviderKey | undefined, nowMs: number): Statement {
  return {
    sql:
      `INSERT INTO inbox (consumer, event_id, subject, plugin, instance, conversation, provider_id, event, received_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
    values: [
      consumer,
      event.id,
      event.subject,
      key?.plugin ?? null,
      key?.instance ?? null,
      key?.conversation ?? null,
      key?.messageId ?? null,
      JSON.stringify(event),
      nowMs,
    ],
    returning: true,
  };
}

/** Marks a row finished. A row that is finished already stays as it is. */
export function finishEvent(rowId: number, outcome: InboxOutcome, nowMs: number): Statement {
  return {
    sql: `UPDATE inbox SET state = 'done', outcome = ?, finished_at = ? WHERE id = ? AND state = 'ready'`,
    values: [outcome, nowMs, rowId],
  };
}

/** Marks a row dead; its letter is written by the same unit. */
export function buryEvent(rowId: number, nowMs: number): Statement {
  return {
    sql: `UPDATE inbox SET state = 'dead', outcome = 'failed', finished_at = ? WHERE id = ? AND state = 'ready'`,
    values: [nowMs, rowId],
  };
}

/** Binds rows to the turn that answers them, and counts the start: a message that ends the process must not do so for ever. */
export function claimEvent(rowId: number, turnId: string): Statement {
  return { sql: `UPDATE inbox SET turn_id = ?, attempts = attempts + 1 WHERE id = ?`, values: [turnId, rowId] };
}

/** Ready rows of a consumer after `afterId`, oldest first. */
export function readReady(read: LedgerReader, consumer: string, afterId: number, limit: number): readonly Delivery[] {
  return read.all(
    `SELECT id, event, turn_id, attempts, received_at FROM inbox
      WHERE consumer = ? AND state = 'ready' AND id > ? ORDER BY id LIMIT ?`,
    consumer,
    afterId,
    limit,
  ).map(toDelivery);
}

/** Ready rows that an interrupted turn had taken, oldest first. */
export function readReadyOfTurn(read: LedgerReader, turnId: string): readonly Delivery[] {
  return read.all(
    `SELECT id, event, turn_id, attempts, received_at FROM inbox WHERE turn_id = ? AND state = 'ready' ORDER BY id`,
    turnId,
  ).map(toDelivery);
}

/** Number of the newest row, 0 where there is none. */
export function readNewestRow(read: LedgerReader): number {
  return Number(read.get(`SELECT max(id) AS id FROM inbox`)?.id ?? 0);
}

/** The message with this provider key: the id and payload of its event, and the turn that took it. */
export function readAccepted(
  read: LedgerReader,
  key: ProviderKey,
): { readonly eventId: string; readonly payload: unknown; readonly turnId: string | undefined } | undefined {
  const row = read.get(
    `SELECT event_id, json_extract(event, '$.payload') AS payload, turn_id FROM inbox
      WHERE plugin = ? AND instance = ? AND conversation = ? AND provider_id = ? LIMIT 1`,
    key.plugin,
    key.instance,
    key.conversation,
    key.messageId,
  );
  if (row === undefined) return undefined;
  return {
    eventId: String(row.event_id),
    payload: JSON.parse(String(row.payload)),
    turnId: typeof row.turn_id === "string" ? row.turn_id : undefined,
  };
}

/** The event that a consumer accepted under this id, finished or not. */
export function readEvent(read: LedgerReader, consumer: string, eventId: string): BusEvent | undefined {
  const row = read.get(`SELECT event FROM inbox WHERE consumer = ? AND event_id = ?`, consumer, eventId);
  return row === undefined ? undefined : JSON.parse(String(row.event));
}

function toDelivery(row: Row): Delivery {
  return {
    // Written by acceptEvent() from an event that its topic's schema had passed.
    event: JSON.parse(String(row.event)),
    rowId: Number(row.id),
    receivedAtMs: Number(row.received_at),
    turnId: typeof row.turn_id === "string" ? row.turn_id : undefined,
    attempts: Number(row.attempts),
  };
}
