import { jetstream } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import { toAppError } from "../../src/core/error.ts";
import type { NatsBus } from "../../src/broker/nats.ts";
import type { Delivery } from "../../src/core/bus.ts";
import { replayDeadLetter } from "../../src/ledger/dead.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type NatsServer, startNatsServer } from "../fixtures/nats_server.ts";
import { numberTopic } from "./bus_contract.ts";
import { newNatsBus, type OpenBusWorld, openBusWorld } from "./bus_world.ts";

const late = () => AbortSignal.timeout(30_000);
const isUp = ({ event }: { readonly event: string }) => event === "nats.up";

type World = OpenBusWorld<NatsBus>;

/** A process that consumes numbers, or with `owned` none, one that only publishes them. */
function openWorld(server: NatsServer, owned?: readonly string[], more: Record<string, unknown> = {}): Promise<World> {
  const broker = { url: server.url, ...more };
  return openBusWorld(systemClock, (deps) => newNatsBus(deps, { broker, ...(owned === undefined ? {} : { owned }) }));
}

/** The next `count` numbers that a world's consumer is given; each is finished. */
async function take(world: World, count: number): Promise<readonly Delivery<{ n: number }>[]> {
  const taken: Delivery<{ n: number }>[] = [];
  for await (const delivery of world.bus.consume(numberTopic("*"), { name: "numbers", signal: late() })) {
    taken.push(delivery);
    await world.finish(delivery);
    if (taken.length === count) break;
  }
  assert.equal(taken.length, count, "deliveries in time");
  return taken;
}

const numbersOf = (deliveries: readonly Delivery<{ n: number }>[]) => deliveries.map(({ event }) => event.payload.n);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** Another program. */
async function openProgram(server: NatsServer): Promise<NatsConnection & AsyncDisposable> {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

for (const jetStream of [true, false]) {
  const name = jetStream ? "JetStream" : "core NATS";

  Deno.test(`what is published in one process is consumed in another over ${name}, once and in order`, async () => {
    await using server = await startNatsServer({ jetStream });
    await using consumer = await openWorld(server);
    await using publisher = await openWorld(server, []);
    await Promise.all([consumer, publisher].map(({ log }) => log.nextEntry(isUp, late())));
    await Promise.all(upTo(500).map((n) => publisher.bus.publish(numberTopic("a"), { n }, { id: `e${n}` })));
    await publisher.bus.publish(numberTopic("a"), { n: 7 }, { id: "e7" });
    await publisher.bus.publish(numberTopic("a"), { n: 500 });
    assert.deepEqual(numbersOf(await take(consumer, 501)), upTo(501));
  });

  Deno.test(`what is published while ${name} is away arrives when it is back, before what comes later`, async () => {
    await using server = await startNatsServer({ jetStream });
    await using consumer = await openWorld(server);
    await using publisher = await openWorld(server, []);
    await Promise.all([consumer, publisher].map(({ log }) => log.nextEntry(isUp, late())));
    await publisher.bus.publish(numberTopic("a"), { n: 0 });
    await server.kill();
    await publisher.log.nextEntry(({ event }) => event === "nats.down", late());
    await Promise.all(upTo(1_000).map((n) => publisher.bus.publish(numberTopic("a"), { n: n + 1 })));
    assert.equal(publisher.ledger.read.get("SELECT count(*) AS n FROM spill")?.n, 1_000);
    await publisher.reopen(); // a crash meanwhile
    const started = server.start();
    await publisher.bus.publish(numberTopic("a"), { n: 1_001 });
    await started;
    await publisher.bus.publish(numberTopic("a"), { n: 1_002 });
    assert.deepEqual(numbersOf(await take(consumer, 1_003)), upTo(1_003));
  });

  Deno.test(`questions cross processes over ${name}, with their errors, and die with who answers`, async () => {
    await using server = await startNatsServer({ jetStream });
    await using asker = await openWorld(server, []);
    await using answerer = await openWorld(server);
    await Promise.all([asker, answerer].map(({ log }) => log.nextEntry(isUp, late())));
    const double = { subject: "math.double", input: numberTopic("a").payload, output: numberTopic("a").payload };
    const serving = answerer.bus.respond(double, ({ n }) => Promise.resolve({ n: n * 2 }));
    await using program = await openProgram(server);
    await program.flush();
    const twice = await untilServed(
      () => asker.bus.request(double, { n: 21 }, { signal: late() }),
      new Promise(() => {}),
    );
    assert.deepEqual(twice, { n: 42 });
    await serving[Symbol.asyncDispose]();

    const asked = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    answerer.bus.respond(double, (_input, signal) => {
      signal.addEventListener("abort", () => told.resolve());
      asked.resolve();
      return new Promise(() => {});
    });
    const give = new AbortController();
    const answer = untilServed(() => asker.bus.request(double, { n: 1 }, { signal: give.signal }), asked.promise);
    const rejected = assert.rejects(answer, { kind: "cancelled" });
    await asked.promise;
    give.abort();
    await rejected;
    await told.promise;
  });
}

/** Asks again while the server has not heard yet who answers, or still knows the one before; not once `served`. */
async function untilServed<T>(ask: () => Promise<T>, served: Promise<void>): Promise<T> {
  let isServed = false;
  served.then(() => isServed = true);
  while (true) {
    try {
      return await ask();
    } catch (thrown) {
      const { kind } = toAppError(thrown);
      if (isServed || (kind !== "missing" && kind !== "unavailable")) throw thrown;
    }
  }
}

Deno.test("ephemeral events are seen in both processes, once by each listener", async () => {
  await using server = await startNatsServer();
  await using one = await openWorld(server, []);
  await using other = await openWorld(server, []);
  await Promise.all([one, other].map(({ log }) => log.nextEntry(isUp, late())));
  const note = { ...numberTopic("a"), subject: "notes.a", durable: false };
  await using here = one.bus.subscribe(note, { signal: late() });
  await using there = other.bus.subscribe({ ...note, subject: "notes.*" }, { signal: late() });
  await using wide = other.bus.subscribe({ ...note, subject: "notes.>" }, { signal: late() });
  await using program = await openProgram(server);
  // Listening has reached the server when an event of a program comes through.
  const ready = Promise.all([there, wide].map((listener) => listener[Symbol.asyncIterator]().next()));
  while (await Promise.race([ready, program.flush().then(() => undefined)]) === undefined) {
    program.publish("notes.a", JSON.stringify({ payload: { n: -1 } }));
  }
  await one.bus.publish(note, { n: 1 });
  const next = async (events: AsyncIterable<{ payload: { n: number } }>) => {
    for await (const { payload } of events) if (payload.n >= 0) return payload.n;
    return undefined;
  };
  assert.deepEqual(await Promise.all([here, there, wide].map(next)), [1, 1, 1]);
});

Deno.test("what was handled here while NATS was away is not handled again when its copy arrives", async () => {
  await using server = await startNatsServer();
  await server.kill();
  await using world = await openWorld(server);
  for (const n of upTo(20)) await world.bus.publish(numberTopic("a"), { n });
  assert.deepEqual(numbersOf(await take(world, 20)), upTo(20));
  await server.start();
  await world.log.nextEntry(({ event }) => event === "nats.drained", late());
  await world.bus.publish(numberTopic("a"), { n: 20 });
  assert.deepEqual(numbersOf(await take(world, 1)), [20]);
  assert.equal(world.ledger.read.get("SELECT count(*) AS n FROM inbox")?.n, 21);
});

Deno.test("another program's events are answered, whole or bare; faulty ones become dead letters that say why", async () => {
  await using server = await startNatsServer();
  await using world = await openWorld(server);
  await world.log.nextEntry(isUp, late());
  await using program = await openProgram(server);
  const named = headers();
  named.set("Nats-Msg-Id", "named");
  program.publish("numbers.a", JSON.stringify({ id: "whole", source: "shell", payload: { n: 1 } }));
  program.publish("numbers.a", JSON.stringify({ n: 2 }), { headers: named });
  program.publish("numbers.a", JSON.stringify({ n: 2 }), { headers: named });
  program.publish("numbers.a", "no json");
  program.publish("numbers.a", JSON.stringify({ n: "three" }));
  program.publish("numbers.a", JSON.stringify({ id: "x", subject: "numbers.b", payload: { n: 1 } }));
  program.publish("numbers.a", JSON.stringify({ n: 4 }));
  const taken = await take(world, 3);
  assert.deepEqual(numbersOf(taken), [1, 2, 4]);
  assert.deepEqual(taken.slice(0, 2).map(({ event }) => event.id), ["whole", "named"]);
  const letters = world.ledger.read.all("SELECT hop, kind, message FROM dead ORDER BY id");
  assert.deepEqual(letters.map(({ hop, kind }) => `${hop} ${kind}`), Array(3).fill("inbound invalid"));
  assert.match(
    letters.map(({ message }) => message).join("\n"),
    /not JSON[^]*n Invalid input[^]*says that it is on numbers\.b/,
  );
});

Deno.test("an event that NATS refuses becomes a dead letter, holds up no other subject, and can be replayed", async () => {
  await using server = await startNatsServer({ config: "max_payload: 2000" });
  await server.kill();
  await using consumer = await openWorld(server);
  await using publisher = await openWorld(server, []);
  const [large, filler] = [numberTopic("large"), "x".repeat(3_000)];
  await publisher.bus.publish(large, { n: 1 }, { id: "large", source: filler });
  await publisher.bus.publish(large, { n: 2 });
  await publisher.bus.publish(numberTopic("b"), { n: 3 });
  await server.start();
  assert.deepEqual(numbersOf(await take(consumer, 2)), [3, 2]);
  const { ledger } = publisher;
  const letter = ledger.read.get("SELECT id, hop, event_id, reason, attempts FROM dead");
  assert.deepEqual({ ...letter }, { id: 1, hop: "spill", event_id: "large", reason: "too_large", attempts: 5 });
  await assert.rejects(publisher.bus.publish(large, { n: 1 }, { source: filler }), {
    kind: "invalid",
    reason: "too_large",
  });
  await ledger.commit(replayDeadLetter(ledger.read, 1, 0, 0));
  publisher.bus.rescan();
  const spilled = ledger.read.get("SELECT event_id FROM spill");
  assert.equal(spilled?.event_id, "large");
});

Deno.test("what a process took and died with comes to the next one at once, before what came behind it", async () => {
  await using server = await startNatsServer();
  {
    await using first = await openWorld(server);
    await first.log.nextEntry(isUp, late());
    await first.bus.publish(numberTopic("a"), { n: -1 });
    await take(first, 1);
  }
  await using publisher = await openWorld(server, []);
  await publisher.log.nextEntry(isUp, late());
  for (const n of upTo(10)) await publisher.bus.publish(numberTopic("a"), { n });
  await using mortal = await openProgram(server);
  const consumer = await jetstream(mortal).consumers.get("NEXO", "numbers=2e=2a");
  for await (const message of await consumer.fetch({ max_messages: 5 })) assert.ok(message.seq > 0);
  await mortal.close();
  await using next = await openWorld(server);
  assert.deepEqual(numbersOf(await take(next, 10)), upTo(10));
});

Deno.test("what NATS does not let us publish is refused at once, or a dead letter when it had waited", async () => {
  const user = `{ user: u, password: p, permissions: { publish: { deny: ["numbers.secret"] } } }`;
  await using server = await startNatsServer({ config: `authorization { users: [${user}] }` });
  await using world = await openWorld(server, [], { auth: { user: "u", password: "p" } });
  await world.log.nextEntry(isUp, late());
  await assert.rejects(world.bus.publish(numberTopic("secret"), { n: 1 }), {
    kind: "denied",
    message: /numbers\.secret.*rights/,
  });
  await server.kill();
  await world.log.nextEntry(({ event }) => event === "nats.down", late());
  await world.bus.publish(numberTopic("secret"), { n: 2 });
  await world.bus.publish(numberTopic("open"), { n: 3 });
  await server.start();
  await world.log.nextEntry(({ event }) => event === "nats.event_dead", late());
  const letters = world.ledger.read.all("SELECT hop, kind, subject FROM dead");
  assert.deepEqual(letters.map((row) => ({ ...row })), [{ hop: "spill", kind: "denied", subject: "numbers.secret" }]);
});

Deno.test("the disk takes no more than its bound: nothing is thrown away, publishers are told", async () => {
  await using server = await startNatsServer();
  await server.kill();
  await using world = await openWorld(server, [], { limits: { max_spill_rows: 100 } });
  const outcomes = await Promise.allSettled(upTo(120).map((n) => world.bus.publish(numberTopic("a"), { n })));
  const refused = outcomes.flatMap((outcome) => outcome.status === "rejected" ? [outcome.reason.reason] : []);
  assert.deepEqual(refused, Array(20).fill("spill_full"));
  const { current } = world.bus.status;
  assert.ok(current.mode === "nats" && current.spilled === 100 && current.fill === 1);
});

Deno.test("a server that hangs opens the breaker, and events wait on disk until it takes them again", async () => {
  await using server = await startNatsServer();
  await using consumer = await openWorld(server);
  await using publisher = await openWorld(server, [], { ping_interval: "60s" });
  await Promise.all([consumer, publisher].map(({ log }) => log.nextEntry(isUp, late())));
  server.freeze();
  const statusOf = () => {
    const { current } = publisher.bus.status;
    return current.mode === "nats" ? `${current.breaker} ${current.state}` : "";
  };
  let sent = 0;
  do { // again where it was not frozen at once
    await Promise.all(upTo(20).map((n) => publisher.bus.publish(numberTopic("a"), { n: sent + n })));
    sent += 20;
  } while (statusOf() === "closed up");
  assert.equal(statusOf(), "open up");
  server.thaw();
  await publisher.log.nextEntry(({ event }) => event === "nats.drained", late());
  assert.deepEqual(numbersOf(await take(consumer, sent)), upTo(sent));
  assert.equal(publisher.metrics.valueOf("nexo_breaker_state", { breaker: "nats" }) < 2, true);
});

Deno.test("a server that comes and goes makes progress, in order and without a loss", async () => {
  await using server = await startNatsServer();
  await using consumer = await openWorld(server);
  await using publisher = await openWorld(server, []);
  const taking = take(consumer, 3_000);
  for (let round = 0; round < 6; round++) {
    await Promise.all(upTo(500).map((n) => publisher.bus.publish(numberTopic("a"), { n: round * 500 + n })));
    await server.kill();
    await server.start();
    await publisher.log.nextEntry(
      () => publisher.log.entries.filter(isUp).length > round / 2, // every other time it stays until it is noticed
      late(),
    );
  }
  assert.deepEqual(numbersOf(await taking), upTo(3_000));
});

Deno.test("wrong credentials, a server of another kind and a silent one are told apart, without a secret", async () => {
  await using guarded = await startNatsServer({ args: ["--user", "ana", "--pass", "right"] });
  const auth = { auth: { user: "ana", password: "hunter2" } };
  await using denied = await openWorld(guarded, [], auth);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const talking = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      connection.close();
    }
  })();
  const url = `nats://127.0.0.1:${listener.addr.port}`;
  {
    await using stranger = await openWorld(guarded, [], { url });
    const isDown = ({ event }: { readonly event: string }) => event === "nats.down";
    const entry = await denied.log.nextEntry(isDown, late());
    assert.match(String(entry.fields.error), /refuses our credentials\. Check broker\.auth/);
    assert.match(String((await stranger.log.nextEntry(isDown, late())).fields.error), /no NATS server|does not answer/);
    assert.ok(!JSON.stringify([denied.log.entries, denied.bus.status.current]).includes("hunter2"));
  }
  listener.close();
  await talking;
  await using allowed = await openWorld(guarded, [], { auth: { user: "ana", password: "right" } });
  await allowed.log.nextEntry(isUp, late());
});
