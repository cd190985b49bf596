import assert from "node:assert/strict";
import { z } from "zod";
import { type LocalBus, openLocalBus } from "../../src/broker/local.ts";
import type { Delivery } from "../../src/core/bus.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { replayDeadLetter, writeDeadLetter } from "../../src/ledger/dead.ts";
import { buryEvent, finishEvent } from "../../src/ledger/inbox.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { busContract, type BusWorld, contractConsumers } from "./bus_contract.ts";

async function openLocalWorld(): Promise<BusWorld & { readonly ledger: Ledger }> {
  const folder = await Deno.makeTempDir({ prefix: "bus-test-" });
  const deps = { log: newRecordedLog(), metrics: newRecordedMetrics(), clock: newFakeClock() };
  let ledger: Ledger;
  let bus: LocalBus;
  const open = async () => {
    ledger = await openLedger({ path: `${folder}/ledger.db`, ...deps });
    bus = openLocalBus({ ledger, consumers: contractConsumers, ...deps });
  };
  const close = async () => {
    await bus[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  };
  await open();
  return {
    get bus() {
      return bus;
    },
    get ledger() {
      return ledger;
    },
    async finish(delivery) {
      await ledger.commit([finishEvent(delivery.rowId, "answered", 0)]);
    },
    async reopen() {
      await close();
      await open();
    },
    async replay(delivery) {
      await ledger.commit([
        // Made ready and dead again, as only a row that died can be replayed.
        { sql: "UPDATE inbox SET state = 'ready' WHERE id = ?", values: [delivery.rowId] },
        buryEvent(delivery.rowId, 0),
        toLetter(delivery),
      ]);
      const letter = Number(ledger.read.get("SELECT max(id) AS id FROM dead")?.id);
      await ledger.commit(replayDeadLetter(ledger.read, letter, 0, 0));
      bus.rescan();
    },
    async [Symbol.asyncDispose]() {
      await close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function toLetter({ event, rowId }: Delivery) {
  return writeDeadLetter({
    hop: "turn",
    subject: event.subject,
    eventId: event.id,
    cause: { kind: "bug", message: "broken" },
    attempts: 1,
    body: JSON.stringify(event),
    firstAt: event.at,
    rowId,
  }, 0);
}

for (const { fact, run } of busContract) {
  Deno.test(`the bus in the process ${fact}`, async () => {
    await using world = await openLocalWorld();
    await run(world);
  });
}

Deno.test("a consumer finds a replayed row although newer ones were published before anybody said so", async () => {
  await using world = await openLocalWorld();
  const { bus, ledger } = world;
  const topic = { subject: "numbers.a", payload: z.number(), durable: true };
  const leave = new AbortController();
  const consumed = bus.consume(topic, { name: "numbers", signal: leave.signal })[Symbol.asyncIterator]();
  await bus.publish(topic, 1);
  const { value: first } = await consumed.next();
  assert.equal(first.event.payload, 1);
  await ledger.commit([buryEvent(first.rowId, 0), toLetter(first)]);
  const waiting = consumed.next();
  const replayed = ledger.commit(replayDeadLetter(ledger.read, 1, 0, 0));
  await bus.publish(topic, 2);
  await replayed;
  const later = [(await waiting).value, (await consumed.next()).value];
  assert.deepEqual(later.map(({ event }) => event.payload), [1, 2]);
  leave.abort();
  await consumed.next();
});

Deno.test("a consumer outlives a ledger that cannot be read for a while", async () => {
  await using world = await openLocalWorld();
  const deps = { log: newRecordedLog(), metrics: newRecordedMetrics(), clock: newFakeClock() };
  let isBroken = true;
  const read = {
    get: world.ledger.read.get,
    all(...args: Parameters<Ledger["read"]["all"]>) {
      if (isBroken) throw new Error("disk I/O error");
      return world.ledger.read.all(...args);
    },
  };
  await using bus = openLocalBus({ ledger: { ...world.ledger, read }, consumers: contractConsumers, ...deps });
  const topic = { subject: "numbers.a", payload: z.number(), durable: true };
  await bus.publish(topic, 1);
  const consumed = bus.consume(topic, { name: "numbers", signal: new AbortController().signal })
    [Symbol.asyncIterator]();
  const first = consumed.next();
  await deps.clock.untilWaiting(1);
  isBroken = false;
  await deps.clock.advance(1_000);
  assert.equal((await first).value.event.payload, 1);
  assert.equal(deps.log.entries[0]?.event, "bus.read_failed");
  await consumed.return?.();
});
