import type { Delivery } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { subjectMatches } from "../core/topic.ts";
import { readReady } from "../ledger/inbox.ts";

/** A consumer of durable events. Declared when the bus opens, so that an event waits for a consumer that comes later. */
export interface DurableConsumer {
  readonly name: string;
  /** Subject with wildcards. */
  readonly pattern: string;
}

/** Rows that one look into the ledger brings, and deliveries held in memory ahead of a consumer. */
const pageSize = 200;
const freshBound = 1_000;
/** Pause after a look that failed, milliseconds. */
const readAgainMs = 1_000;

/** What a consumer has yet to see: the ledger's ready rows, and the newest of them in memory. */
export interface Feed extends DurableConsumer {
  /** Brings a row that was accepted now. */
  push(delivery: Delivery): void;
  /** Looks into the ledger for rows that were not pushed. */
  rescan(): void;
  /** The rows on `pattern` in order of acceptance, until `signal` fires. One reader at a time: a second is a `conflict`. */
  deliveries(pattern: string, signal: AbortSignal): AsyncIterable<Delivery>;
}

/** Makes the {@linkcode Feed} of a consumer. */
export function newFeed(
  consumer: DurableConsumer,
  { ledger, log, clock, onDelivery }: {
    readonly ledger: Ledger;
    readonly log: Log;
    readonly clock: Clock;
    /** Told of each delivery that the consumer takes. */
    onDelivery(subject: string): void;
  },
): Feed {
  /** Deliveries behind the cursor's page, in order, while `complete`. */
  let fresh: Delivery[] = [];
  /** Whether `fresh` holds everything after the cursor; otherwise the ledger is asked. */
  let complete = false;
  let wake = () => {};
  let consumed = false;

  async function* deliveries(pattern: string, signal: AbortSignal): AsyncGenerator<Delivery> {
    if (consumed) throw new AppError("conflict", `Cannot consume as "${consumer.name}": somebody does already`);
    consumed = true;
    let cursor = 0;
    try {
      while (!signal.aborted) {
        let page: readonly Delivery[];
        if (complete) {
          page = fresh;
          fresh = [];
        } else {
          // From here on everything new is also pushed to `fresh`; what both have is told apart by the cursor.
          fresh = [];
          complete = true;
          try {
            page = readReady(ledger.read, consumer.name, cursor, pageSize);
          } catch (thrown) {
            log.error("bus.read_failed", { consumer: consumer.name, error: toAppError(thrown).message });
            complete = false;
            await clock.wait(readAgainMs, signal).catch(() => {/* closing: the loop ends */});
            continue;
          }
          if (page.length === pageSize) complete = false;
        }
        for (const delivery of page) {
          if (delivery.rowId <= cursor) continue;
          cursor = delivery.rowId;
          if (subjectMatches(pattern, delivery.event.subject)) {
            onDelivery(delivery.event.subject);
            yield delivery;
          }
          if (signal.aborted) return;
        }
        if (complete && fresh.length === 0) await sleep(signal);
      }
    } finally {
      consumed = false;
      complete = false;
      fresh = [];
    }
  }

  const sleep = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener("abort", done);
        wake = () => {};
        resolve();
      };
      wake = done;
      if (signal.aborted) done();
      else signal.addEventListener("abort", done);
    });

  return {
    ...consumer,
    push(delivery) {
      if (!complete) return; // the ledger has it, and will be asked
      if (fresh.length >= freshBound) {
        fresh = [];
        complete = false;
      } else fresh.push(delivery);
      wake();
    },
    rescan() {
      fresh = [];
      complete = false;
      wake();
    },
    deliveries,
  };
}
