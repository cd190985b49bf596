import type { BusEvent } from "../../src/core/bus.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { acceptEvent } from "../../src/ledger/inbox.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openTempDir } from "../../tests/fixtures/nexo_process.ts";
import type { Figure } from "./figure.ts";
import { mutedLog, mutedMetrics } from "./muted.ts";

/** Units committed for each figure. */
const commitCount = 20_000;

/** Durable commits a second, each one accepted message, awaited one by one and with 64 in flight. */
export async function measureLedger(): Promise<readonly Figure[]> {
  await using folder = await openTempDir();
  await using ledger = await openLedger({
    path: `${folder.path}/ledger.db`,
    log: mutedLog,
    metrics: mutedMetrics,
    clock: systemClock,
  });
  await commitsPerSecond(ledger, "warm", 2_000, 8);
  return [
    toFigure("commits at 1 in flight", await commitsPerSecond(ledger, "one", commitCount, 1)),
    toFigure("commits at 64 in flight", await commitsPerSecond(ledger, "many", commitCount, 64)),
  ];
}

function toFigure(name: string, value: number): Figure {
  return { part: "ledger", name, value, unit: "/s" };
}

async function commitsPerSecond(ledger: Ledger, name: string, count: number, inFlight: number): Promise<number> {
  const startedMs = performance.now();
  let next = 0;
  const committers = Array.from({ length: inFlight }, async () => {
    while (next < count) {
      await ledger.commit([acceptEvent("bench", newEvent(`${name}-${next++}`), undefined, Date.now())]);
    }
  });
  await Promise.all(committers);
  return count / ((performance.now() - startedMs) / 1_000);
}

function newEvent(id: string): BusEvent {
  const payload = { message: { conversation: "1", providerMessageId: id, sender: { id: "1" }, text: "x".repeat(400) } };
  return { id, subject: "plugin.inbound.bench.main", source: "bench", at: new Date().toISOString(), payload };
}
