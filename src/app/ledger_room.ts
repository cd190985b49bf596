import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { findDamage } from "../ledger/damage.ts";
import { checkedAtStartBytes } from "../ledger/migrate.ts";
import { openLedger } from "../ledger/open.ts";
import { readQueueDepths } from "../ledger/queues.ts";
import type { ScrapedMetrics } from "../telemetry/metrics.ts";

/** The ledger of a data folder. */
export interface LedgerRoom extends Ledger {
  /** Reads a file through that is too large to be read through at the start. Never throws. */
  lookForDamage(signal: AbortSignal): Promise<void>;
  /** What was found wrong with the file, and what to do; `undefined` as long as nothing was. */
  damage(): string | undefined;
}

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
): Promise<LedgerRoom> {
  const path = `${dataDir}/ledger.db`;
  const opened = await openLedger({ path, maxBytes: limits.max_ledger_bytes, ...instruments });
  const ledger = wrap?.(opened) ?? opened;
  const { log, metrics, clock } = instruments;
  let damage: string | undefined;
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
    async lookForDamage(signal) {
      try {
        if (await ledger.sizeBytes() <= checkedAtStartBytes) return;
        const found = await findDamage(path, signal);
        if (found === undefined) return log.info("ledger.checked");
        damage = `${path} is damaged (${found}). Stop the process, keep the file, and restore a backup`;
        log.error("ledger.damaged", { error: damage });
      } catch (thrown) {
        if (!signal.aborted) log.warn("ledger.not_checked", { error: toAppError(thrown).message });
      }
    },
    damage: () => damage,
    async [Symbol.asyncDispose]() {
      measuring[Symbol.dispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}
