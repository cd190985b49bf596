import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { openLedger } from "../ledger/open.ts";
import { readQueueDepths } from "../ledger/queues.ts";
import type { ScrapedMetrics } from "../telemetry/metrics.ts";

/** What {@linkcode openLedgerRoom} needs. */
export interface LedgerRoomDeps {
  readonly dataDir: string;
  readonly limits: Pick<Config["runtime"]["limits"], "max_ledger_bytes">;
  /** Stands between the rooms and the ledger, where there is one. */
  readonly wrap: ((ledger: Ledger) => Ledger) | undefined;
  readonly log: Log;
  readonly metrics: ScrapedMetrics;
  readonly clock: Clock;
}

/**
 * Opens the ledger of a data folder. Its size and its queues are measured when metrics are read.
 *
 * @throws {AppError} `invalid` for a damaged file; `unavailable` where the folder cannot be written.
 */
export async function openLedgerRoom(
  { dataDir, limits, wrap, ...instruments }: LedgerRoomDeps,
): Promise<Ledger> {
  const opened = await openLedger({
    path: `${dataDir}/ledger.db`,
    maxBytes: limits.max_ledger_bytes,
    ...instruments,
  });
  const ledger = wrap?.(opened) ?? opened;
  const { metrics, clock } = instruments;
  const measuring = metrics.onScrape(async () => {
    for (const { queue, depth, oldestAtMs } of readQueueDepths(ledger.read)) {
      metrics.gauge("nexo_queue_depth", { queue }, depth);
      const ageMs = oldestAtMs === undefined ? 0 : Math.max(0, clock.now() - oldestAtMs);
      metrics.gauge("nexo_queue_oldest_seconds", { queue }, ageMs / 1_000);
    }
    metrics.gauge("nexo_ledger_size_bytes", {}, await ledger.sizeBytes());
  });
  return {
    ...ledger,
    async [Symbol.asyncDispose]() {
      measuring[Symbol.dispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}
