import assert from "node:assert/strict";
import { z } from "zod";
import type { Bus, Delivery, ProviderKey } from "../../src/core/bus.ts";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { Call, Topic } from "../../src/core/topic.ts";

/** A bus under test. It outlives its process: {@linkcode reopen} is a restart on the same files. */
export interface BusWorld extends AsyncDisposable {
  readonly bus: Bus;
  /** Marks a delivered row as done. */
  finish(delivery: Delivery): Promise<void>;
  /** Replaces the bus by one that knows nothing but what is durable. */
  reopen(): Promise<void>;
  /** Makes a finished row live again, as a replay of its dead letter does, and says so to the bus. */
  replay(delivery: Delivery): Promise<void>;
}

/** Consumers that a world must declare. */
export const contractConsumers = [
  { name: "numbers", pattern: "numbers.*" },
  { name: "all", pattern: "both.>" },
  { name: "some", pattern: "both.*.left" },
] as const;

/** The durable subjects of the contract, for worlds whose events travel. */
export const contractSubjects = ["numbers.*", "both.>"].map((subject) => ({
  topic: { subject, payload: z.object({ n: z.number() }), durable: true },
}));

/** A durable topic of the contract. */
export const numberTopic = (token: string): Topic<{ n: number }> => ({
  subject: `numbers.${token}`,
  payload: z.object({ n: z.number() }),
  durable: true,
});
const noteTopic = (subject: string): Topic<{ n: number }> => ({
  subject,
  payload: z.object({ n: z.number() }),
  durable: false,
});
const double: Call<number, number> = { subject: "math.double", input: z.number(), output: z.number() };
const never = new AbortController().signal;

/** The first `count` deliveries of a consumer, which then leaves. */
async function take<T>(
  bus: Bus,
  topic: Topic<T>,
  count: number,
  name = "numbers",
): Promise<Delivery<T>[]> {
  const taken: Delivery<T>[] = [];
  const leave = new AbortController();
  const late = AbortSignal.timeout(60_000);
  for await (const delivery of bus.consume(topic, { name, signal: AbortSignal.any([leave.signal, late]) })) {
    taken.push(delivery);
    if (taken.length === count) break;
  }
  assert.equal(taken.length, count, "deliveries in time");
  return taken;
}

/** The error of a question that nobody answers. A bus that was cut off meanwhile says so, and is asked again. */
async function askNobody(bus: Bus): Promise<AppError> {
  for (;;) {
    const error = await bus.request(double, 1, { signal: never }).then(
      () => assert.fail("it was answered"),
      toAppError,
    );
    if (error.reason !== "outcome_unknown") return error;
  }
}

const numbersOf = (deliveries: readonly Delivery<{ n: number }>[]) => deliveries.map(({ event }) => event.payload.n);

/** What every bus must do. */
export const busContract: readonly { readonly fact: string; run(world: BusWorld): Promise<void> }[] = [
  {
    fact: "delivers durable events once, in order",
    async run({ bus }) {
      for (const n of [1, 2, 3]) assert.deepEqual(await bus.publish(numberTopic("a"), { n }), { duplicate: false });
      await Promise.all([4, 5, 6].map((n) => bus.publish(numberTopic("b"), { n })));
      assert.deepEqual(numbersOf(await take(bus, numberTopic("*"), 6)), [1, 2, 3, 4, 5, 6]);
    },
  },
  {
    fact: "wakes a consumer that waits",
    async run({ bus }) {
      const waiting = take(bus, numberTopic("*"), 2);
      await bus.publish(numberTopic("a"), { n: 1 });
      await bus.publish(numberTopic("a"), { n: 2 });
      assert.deepEqual(numbersOf(await waiting), [1, 2]);
    },
  },
  {
    fact: "keeps what a publisher says about an event",
    async run({ bus }) {
      const meta = {
        id: "e1",
        source: "telegram.sales",
        correlationId: "c",
        causationId: "d",
        expiresAt: "2030-01-01T00:00:00.000Z",
        traceparent: "00-1-2-01",
      };
      await bus.publish(numberTopic("a"), { n: 1 }, meta);
      const [delivery] = await take(bus, numberTopic("*"), 1);
      const { at, ...event } = delivery?.event ?? { at: "" };
      assert.deepEqual(event, { ...meta, subject: "numbers.a", payload: { n: 1 } });
      assert.equal(new Date(at).toISOString(), at);
      assert.deepEqual([delivery?.attempts, delivery?.turnId], [0, undefined]);
    },
  },
  {
    fact: "keeps an event for a consumer that comes later",
    async run(world) {
      await world.bus.publish(numberTopic("a"), { n: 1 });
      await world.reopen();
      await world.bus.publish(numberTopic("a"), { n: 2 });
      assert.deepEqual(numbersOf(await take(world.bus, numberTopic("*"), 2)), [1, 2]);
    },
  },
  {
    fact: "knows an event by its id",
    async run(world) {
      assert.deepEqual(await world.bus.publish(numberTopic("a"), { n: 1 }, { id: "e1" }), { duplicate: false });
      assert.deepEqual(await world.bus.publish(numberTopic("a"), { n: 9 }, { id: "e1" }), { duplicate: true });
      await world.reopen();
      assert.deepEqual(await world.bus.publish(numberTopic("a"), { n: 9 }, { id: "e1" }), { duplicate: true });
      await world.bus.publish(numberTopic("a"), { n: 2 }, { id: "e2" });
      assert.deepEqual(numbersOf(await take(world.bus, numberTopic("*"), 2)), [1, 2]);
    },
  },
  {
    fact: "knows a message by its provider's key, also when it comes twice at once",
    async run({ bus }) {
      const providerKey: ProviderKey = { plugin: "p", instance: "i", conversation: "c", messageId: "1" };
      const results = await Promise.all([1, 2].map((n) => bus.publish(numberTopic("a"), { n }, { providerKey })));
      assert.deepEqual(results.map(({ duplicate }) => duplicate), [false, true]);
      await bus.publish(numberTopic("a"), { n: 3 }, { providerKey: { ...providerKey, conversation: "d" } });
      assert.deepEqual(numbersOf(await take(bus, numberTopic("*"), 2)), [1, 3]);
    },
  },
  {
    fact: "delivers again after a restart what was not finished",
    async run(world) {
      for (const n of [1, 2, 3]) await world.bus.publish(numberTopic("a"), { n });
      const [, second] = await take(world.bus, numberTopic("*"), 3);
      assert.ok(second);
      await world.finish(second);
      await world.reopen();
      assert.deepEqual(numbersOf(await take(world.bus, numberTopic("*"), 2)), [1, 3]);
    },
  },
  {
    fact: "delivers a replayed event again, and no other",
    async run(world) {
      const { bus } = world;
      const leave = new AbortController();
      const consumed = bus.consume(numberTopic("*"), { name: "numbers", signal: leave.signal })[Symbol.asyncIterator]();
      const next = async () => (await consumed.next()).value;
      for (const n of [1, 2, 3]) await bus.publish(numberTopic("a"), { n });
      const deliveries = [await next(), await next(), await next()];
      for (const delivery of deliveries) await world.finish(delivery);
      const waiting = next();
      await Promise.all([world.replay(deliveries[0]), bus.publish(numberTopic("a"), { n: 4 })]);
      const later = [await waiting, await next()];
      assert.deepEqual(numbersOf(later).sort(), [1, 4]);
      assert.deepEqual(later.find(({ event }) => event.payload.n === 1)?.event.id, deliveries[0].event.id);
      leave.abort();
      assert.equal((await consumed.next()).done, true);
    },
  },
  {
    fact: "loses nothing for a consumer that is slower than ten thousand events",
    async run({ bus }) {
      const count = 10_000;
      const leave = new AbortController();
      const seen: number[] = [];
      const published = Promise.withResolvers<void>();
      const consumed = (async () => {
        for await (const { event } of bus.consume(numberTopic("*"), { name: "numbers", signal: leave.signal })) {
          seen.push(event.payload.n);
          if (seen.length === 10) await published.promise;
          if (seen.length === count) break;
        }
      })();
      for (let n = 0; n < count; n += 1_000) {
        await Promise.all(
          Array.from({ length: 1_000 }, (_, index) => bus.publish(numberTopic("a"), { n: n + index })),
        );
      }
      published.resolve();
      await consumed;
      assert.ok(seen.every((n, index) => n === index));
    },
  },
  {
    fact: "gives an event to every consumer whose pattern it fits",
    async run({ bus }) {
      const both = (subject: string) => ({ ...numberTopic("a"), subject });
      await bus.publish(both("both.a.left"), { n: 1 });
      await bus.publish(both("both.a.right"), { n: 2 });
      await bus.publish(both("both.b.left"), { n: 3 });
      assert.deepEqual(numbersOf(await take(bus, both("both.>"), 3, "all")), [1, 2, 3]);
      assert.deepEqual(numbersOf(await take(bus, both("both.*.left"), 2, "some")), [1, 3]);
    },
  },
  {
    fact: "refuses a payload that is not the topic's, and stores nothing",
    async run({ bus }) {
      const wrong: Topic<unknown> = numberTopic("a");
      await assert.rejects(bus.publish(wrong, { n: "one" }), {
        kind: "invalid",
        message: /Cannot publish on numbers\.a: n /,
      });
      await bus.publish(numberTopic("a"), { n: 1 });
      assert.deepEqual(numbersOf(await take(bus, numberTopic("*"), 1)), [1]);
    },
  },
  {
    fact: "refuses wildcards, spaces and nothing as a subject to publish on",
    async run({ bus }) {
      for (const subject of ["numbers.*", "numbers.>", "numbers. a", "numbers.\n", ""]) {
        for (const durable of [true, false]) {
          await assert.rejects(bus.publish({ ...numberTopic("a"), subject, durable }, { n: 1 }), { kind: "invalid" });
        }
      }
    },
  },
  {
    fact: "refuses a durable event that nobody will ever consume",
    async run({ bus }) {
      await assert.rejects(bus.publish({ ...numberTopic("a"), subject: "elsewhere.a" }, { n: 1 }), { kind: "missing" });
    },
  },
  {
    fact: "has one consumer of a name at a time",
    async run({ bus }) {
      const leave = new AbortController();
      const options = { name: "numbers", signal: leave.signal };
      const first = bus.consume(numberTopic("*"), options)[Symbol.asyncIterator]();
      const waiting = first.next();
      await assert.rejects(bus.consume(numberTopic("*"), options)[Symbol.asyncIterator]().next(), { kind: "conflict" });
      leave.abort();
      assert.equal((await waiting).done, true);
      assert.throws(() => bus.consume(numberTopic("*"), { name: "stranger", signal: never }), { kind: "bug" });
    },
  },
  {
    fact: "shows ephemeral events to everybody who listens, from then on",
    async run({ bus }) {
      await bus.publish(noteTopic("notes.a"), { n: 0 });
      await using one = bus.subscribe(noteTopic("notes.*"));
      await using all = bus.subscribe(noteTopic("notes.>"));
      await using other = bus.subscribe(noteTopic("letters.*"));
      for (const [subject, n] of [["notes.a", 1], ["notes.b.c", 2], ["letters.a", 3]] as const) {
        await bus.publish(noteTopic(subject), { n });
      }
      const first = async (subscription: AsyncIterable<{ payload: { n: number } }>, count: number) => {
        const seen: number[] = [];
        for await (const { payload } of subscription) {
          seen.push(payload.n);
          if (seen.length === count) break;
        }
        return seen;
      };
      assert.deepEqual(await first(one, 1), [1]);
      assert.deepEqual(await first(all, 2), [1, 2]);
      assert.deepEqual(await first(other, 1), [3]);
    },
  },
  {
    fact: "drops the oldest ephemeral events of a listener that is too slow",
    async run({ bus }) {
      const leave = new AbortController();
      const slow = bus.subscribe(noteTopic("notes.*"), { buffer: 3, signal: leave.signal });
      for (const n of [1, 2, 3, 4, 5]) await bus.publish(noteTopic("notes.a"), { n });
      leave.abort();
      await bus.publish(noteTopic("notes.a"), { n: 6 });
      const seen = await Array.fromAsync(slow, ({ payload }) => payload.n);
      assert.deepEqual(seen, [3, 4, 5]);
    },
  },
  {
    fact: "ends a listener that is disposed, twice is harmless",
    async run({ bus }) {
      const subscription = bus.subscribe(noteTopic("notes.*"));
      const seen = Array.fromAsync(subscription);
      await subscription[Symbol.asyncDispose]();
      await subscription[Symbol.asyncDispose]();
      assert.deepEqual(await seen, []);
    },
  },
  {
    fact: "carries a question to who answers it and the answer back",
    async run({ bus }) {
      const { kind, reason } = await askNobody(bus);
      assert.deepEqual([kind, reason], ["missing", "no_answerer"]);
      {
        await using _answerer = bus.respond(double, (n) => Promise.resolve(n * 2));
        assert.equal(await bus.request(double, 21, { signal: never }), 42);
        assert.throws(() => bus.respond(double, (n) => Promise.resolve(n)), { kind: "conflict" });
      }
      assert.equal((await askNobody(bus)).kind, "missing");
      await using _again = bus.respond(double, (n) => Promise.resolve(n + n));
      assert.equal(await bus.request(double, 4, { signal: never }), 8);
    },
  },
  {
    fact: "gives the error of who answers to who asks",
    async run({ bus }) {
      await using _answerer = bus.respond(
        double,
        () => Promise.reject(new AppError("unavailable", "not today", { reason: "tired", retryAfterMs: 7 })),
      );
      await assert.rejects(bus.request(double, 1, { signal: never }), {
        kind: "unavailable",
        message: "not today",
        reason: "tired",
        retryAfterMs: 7,
      });
    },
  },
  {
    fact: "tells both sides when who asks gives up",
    async run({ bus }) {
      const told = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      await using _answerer = bus.respond(double, (_n, signal) => {
        signal.addEventListener("abort", () => told.resolve());
        asked.resolve();
        return new Promise(() => {});
      });
      const give = new AbortController();
      const answer = bus.request(double, 1, { signal: give.signal });
      await asked.promise;
      give.abort();
      await assert.rejects(answer, { kind: "cancelled" });
      await told.promise;
    },
  },
  {
    fact: "ends everybody when it closes, twice is harmless",
    async run({ bus }) {
      const waiting = bus.consume(numberTopic("*"), { name: "numbers", signal: never })[Symbol.asyncIterator]().next();
      const listening = Array.fromAsync(bus.subscribe(noteTopic("notes.*")));
      await bus[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      assert.equal((await waiting).done, true);
      assert.deepEqual(await listening, []);
    },
  },
];
