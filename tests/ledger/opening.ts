import type { BusEvent } from "../../src/core/bus.ts";
import type { Ledger, Statement } from "../../src/core/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** A folder with a ledger's file in it, removed at the end of the test. */
export interface LedgerFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes an empty {@linkcode LedgerFolder}. */
export async function openLedgerFolder(): Promise<LedgerFolder> {
  const folder = await Deno.makeTempDir({ prefix: "ledger-test-" });
  return {
    path: `${folder}/ledger.db`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Opens the ledger at `path` with everything that a test may look at. */
export async function openTestLedger(path: string, options: { readonly maxBytes?: number } = {}) {
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const clock = newFakeClock();
  const ledger = await openLedger({ path, log, metrics, clock, maxBytes: options.maxBytes });
  return {
    ledger,
    log,
    metrics,
    clock,
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  };
}

/** An event on `subject` that says `payload`. */
export function newTestEvent(id: string, subject = "test.event", payload: unknown = {}): BusEvent {
  return { id, subject, source: "test", at: "2026-01-01T00:00:00.000Z", payload };
}

/** Writes one row of a table in which any text may stand. */
export function writeRow(id: number, text = "x"): Statement {
  return {
    sql: "INSERT INTO messages (id, agent, session_id, epoch, role, body, at) VALUES (?, 'a', 's', 1, 'note', ?, 0)",
    values: [id, text],
  };
}

/** Ids of the rows that {@linkcode writeRow} wrote. */
export function rowIds(ledger: Ledger): readonly number[] {
  return ledger.read.all("SELECT id FROM messages ORDER BY id").map((row) => Number(row.id));
}
