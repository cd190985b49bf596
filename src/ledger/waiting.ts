import type { Ledger } from "../core/ledger.ts";

/** Rows that wait in one queue for one thing. */
export interface WaitingRows {
  readonly rows: number;
  /** Milliseconds since the epoch. */
  readonly oldestAtMs: number;
}

/** What waits, and for what. */
export interface Waiting {
  /** Accepted events that a consumer has not finished. */
  readonly inbox: readonly (WaitingRows & { readonly consumer: string; readonly subject: string })[];
  /** Messages that a channel instance such as `telegram.sales` has yet to send. */
  readonly outbox: readonly (WaitingRows & { readonly channel: string })[];
  /** Events that wait for NATS. */
  readonly spill: readonly (WaitingRows & { readonly subject: string })[];
}

/** Groups that are told of each queue, the largest first: subjects can be made up outside. */
const maxGroups = 200;

/** Reads {@linkcode Waiting} in the reader worker. Each count walks an index of what waits. */
export async function readWaiting(ledger: Pick<Ledger, "query">, signal: AbortSignal): Promise<Waiting> {
  const ask = (sql: string) =>
    ledger.query({ sql: `${sql} ORDER BY waiting DESC LIMIT ${maxGroups}`, values: [] }, signal);
  const [inbox, outbox, spill] = await Promise.all([
    // The index knows the first row of each group, which is the oldest, so that only that one is read.
    ask(`SELECT consumer, subject, waiting, (SELECT received_at FROM inbox WHERE id = first) AS oldest
      FROM (SELECT consumer, subject, count(*) AS waiting, min(id) AS first FROM inbox
        WHERE state = 'ready' GROUP BY consumer, subject)`),
    ask(
      `SELECT plugin || '.' || instance AS channel, waiting, (SELECT created_at FROM outbox WHERE id = first) AS oldest
      FROM (SELECT plugin, instance, count(*) AS waiting, min(id) AS first FROM outbox
        WHERE state IN ('queued', 'sending') GROUP BY plugin, instance)`,
    ),
    ask(`SELECT subject, waiting, (SELECT spilled_at FROM spill WHERE id = first) AS oldest
      FROM (SELECT subject, count(*) AS waiting, min(id) AS first FROM spill GROUP BY subject)`),
  ]);
  const toRows = (row: typeof inbox[number]) => ({ rows: Number(row.waiting), oldestAtMs: Number(row.oldest) });
  return {
    inbox: inbox.map((row) => ({ consumer: String(row.consumer), subject: String(row.subject), ...toRows(row) })),
    outbox: outbox.map((row) => ({ channel: String(row.channel), ...toRows(row) })),
    spill: spill.map((row) => ({ subject: String(row.subject), ...toRows(row) })),
  };
}
