import { z } from "zod";
import { openLocalBus } from "../../src/broker/local.ts";
import type { Topic } from "../../src/core/topic.ts";
import { finishEvent } from "../../src/ledger/inbox.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openTempDir } from "../../tests/fixtures/nexo_process.ts";
import { type Figure, toPercentiles } from "./figure.ts";
import { mutedLog, mutedMetrics } from "./muted.ts";

const rounds = 2_000;
const payload = z.object({ sentMs: z.number(), text: z.string() });
const durable: Topic<z.output<typeof payload>> = { subject: "bench.durable", payload, durable: true };
const ephemeral: Topic<z.output<typeof payload>> = { subject: "bench.ephemeral", payload, durable: false };

/** Time from publish() to the consumer's hands, one event at a time, 1 KB each. */
export async function measureBus(): Promise<readonly Figure[]> {
  await using folder = await openTempDir();
  const deps = { log: mutedLog, metrics: mutedMetrics, clock: systemClock };
  await using ledger = await openLedger({ path: `${folder.path}/ledger.db`, ...deps });
  await using bus = openLocalBus({ ledger, consumers: [{ name: "bench", pattern: durable.subject }], ...deps });
  const newPayload = () => ({ sentMs: performance.now(), text: "x".repeat(1_000) });
  const stop = new AbortController();

  const durableMs: number[] = [];
  const deliveries = bus.consume(durable, { name: "bench", signal: stop.signal });
  await bus.publish(durable, newPayload());
  for await (const { event, rowId } of deliveries) {
    durableMs.push(performance.now() - event.payload.sentMs);
    await ledger.commit([finishEvent(rowId, "delivered", Date.now())]);
    if (durableMs.length === rounds) break;
    await bus.publish(durable, newPayload());
  }

  const ephemeralMs: number[] = [];
  const subscription = bus.subscribe(ephemeral, { signal: stop.signal });
  await bus.publish(ephemeral, newPayload());
  for await (const { payload } of subscription) {
    ephemeralMs.push(performance.now() - payload.sentMs);
    if (ephemeralMs.length === rounds) break;
    await bus.publish(ephemeral, newPayload());
  }
  stop.abort();
  return [
    ...toPercentiles("bus", "durable publish to deliver", durableMs),
    ...toPercentiles("bus", "ephemeral publish to deliver", ephemeralMs),
  ];
}
