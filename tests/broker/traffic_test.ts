import assert from "node:assert/strict";
import { z } from "zod";
import { newTraffic, otherSubjects } from "../../src/broker/traffic.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newLocalBus, openBusWorld } from "./bus_world.ts";

Deno.test("a subject's rates are those of the last minute, its sums those since the start", async () => {
  const clock = newFakeClock();
  const traffic = newTraffic(clock);
  for (let event = 0; event < 3; event++) traffic.came("a.b");
  traffic.went("a.b", 2);
  await clock.advance(30_000);
  traffic.came("a.b");
  const lastAtMs = clock.now();
  const read = () => traffic.read()[0];
  const sums = { subject: "a.b", came: 4, went: 2, lastAtMs };
  assert.deepEqual(read(), { ...sums, cameLastMinute: 4, wentLastMinute: 2 });
  await clock.advance(30_000);
  assert.deepEqual(read(), { ...sums, cameLastMinute: 1, wentLastMinute: 0 });
  await clock.advance(3_600_000);
  assert.deepEqual(read(), { ...sums, cameLastMinute: 0, wentLastMinute: 0 });
});

Deno.test("subjects beyond the bound are counted together", () => {
  const traffic = newTraffic(newFakeClock());
  for (let number = 0; number < 2_000; number++) traffic.came(`made.up.${number}`);
  const read = traffic.read();
  assert.equal(read.length, 501);
  assert.equal(read.find(({ subject }) => subject === otherSubjects)?.came, 1_500);
});

Deno.test("the bus counts what is published, consumed, heard and answered", async () => {
  await using world = await openBusWorld(newFakeClock(), newLocalBus);
  const { bus } = world;
  const numbers = { subject: "numbers.a", payload: z.number(), durable: true };
  const notes = { subject: "notes.a", payload: z.number(), durable: false };
  const double = { subject: "math.double", input: z.number(), output: z.number() };
  const { signal } = new AbortController();
  await bus.publish(numbers, 1);
  await bus.publish(numbers, 2);
  const consumed = bus.consume(numbers, { name: "numbers", signal })[Symbol.asyncIterator]();
  await consumed.next();
  await bus.publish(notes, 1);
  await using _one = bus.subscribe(notes);
  await using _two = bus.subscribe(notes);
  await bus.publish(notes, 2);
  await using _doubler = bus.respond(double, (input) => Promise.resolve(input * 2));
  await bus.request(double, 4, { signal });
  const counted = bus.traffic.read().map(({ subject, came, went }) => [subject, came, went]);
  assert.deepEqual(counted, [["math.double", 1, 1], ["notes.a", 2, 2], ["numbers.a", 2, 1]]);
  await consumed.return?.();
});
