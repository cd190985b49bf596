import assert from "node:assert/strict";
import { z } from "zod";
import type { Ledger } from "../../src/core/ledger.ts";
import { replayDeadLetter } from "../../src/ledger/dead.ts";
import { buryEvent } from "../../src/ledger/inbox.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { busContract } from "./bus_contract.ts";
import { newLocalBus, openBusWorld, toLetter } from "./bus_world.ts";

for (const { fact, run } of busContract) {
  Deno.test(`the bus in the process ${fact}`, async () => {
    await using world = await openBusWorld(newFakeClock(), newLocalBus);
    await run(world);
  });
}

Deno.test("a consumer finds a replayed row although newer ones were published before anybody said so", async () => {
  await using world = await openBusWorld(newFakeClock(), newLocalBus);
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
  const clock = newFakeClock();
  await using world = await openBusWorld(clock, newLocalBus);
  let isBroken = true;
  const read = {
    get: world.ledger.read.get,
    all(...args: Parameters<Ledger["read"]["all"]>) {
      if (isBroken) throw new Error("disk I/O error");
      return world.ledger.read.all(...args);
    },
  };
  await using bus = newLocalBus({ ...world, ledger: { ...world.ledger, read } });
  const topic = { subject: "numbers.a", payload: z.number(), durable: true };
  await bus.publish(topic, 1);
  const consumed = bus.consume(topic, { name: "numbers", signal: new AbortController().signal })
    [Symbol.asyncIterator]();
  const first = consumed.next();
  await clock.untilWaiting(1);
  isBroken = false;
  await clock.advance(1_000);
  assert.equal((await first).value.event.payload, 1);
  assert.equal(world.log.entries[0]?.event, "bus.read_failed");
  await consumed.return?.();
});
