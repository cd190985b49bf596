import { connect } from "@nats-io/transport-node";
import assert from "node:assert/strict";
import type { NatsBus } from "../../src/broker/nats.ts";
import { toAppError } from "../../src/core/error.ts";
import type { Call } from "../../src/core/topic.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { z } from "zod";
import { type NatsServer, startNatsServer } from "../fixtures/nats_server.ts";
import { newNatsBus, type OpenBusWorld, openBusWorld } from "./bus_world.ts";

const late = () => AbortSignal.timeout(30_000);
const double: Call<number, number> = { subject: "math.double", input: z.number(), output: z.number() };

async function openUp(server: NatsServer): Promise<OpenBusWorld<NatsBus>> {
  const world = await openBusWorld(systemClock, (deps) => newNatsBus(deps, { owned: [], broker: { url: server.url } }));
  await world.log.nextEntry(({ event }) => event === "nats.up", late());
  return world;
}

/** Fails where `promise` takes too long. */
function inTime<T>(promise: Promise<T>): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const signal = late();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([promise, over]);
}

/** Takes one question and dies of it. */
async function openMortal(server: NatsServer): Promise<{ readonly died: Promise<void> }> {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` });
  const died = Promise.withResolvers<void>();
  connection.subscribe(double.subject, {
    queue: "nexo",
    callback: () => void connection.close().then(() => died.resolve()),
  });
  await connection.flush();
  return { died: died.promise };
}

Deno.test("a question whose answerer dies is over in a moment, and asked again where that is harmless", async () => {
  await using server = await startNatsServer();
  await using asker = await openUp(server);
  await using _bystander = await openUp(server);
  for (const repeatable of [false, true]) {
    const { died } = await openMortal(server);
    const error = await asker.bus.request(repeatable ? { ...double, repeatable } : double, 1, { signal: late() }).then(
      () => assert.fail("it was answered"),
      toAppError,
    );
    assert.equal(error.reason, repeatable ? "no_answerer" : "outcome_unknown");
    await inTime(died);
  }
  await openMortal(server);
  await using answerer = await openUp(server);
  await using _answering = answerer.bus.respond(double, (n) => Promise.resolve(n * 2));
  const asked = Array.from(
    { length: 20 },
    (_, n) => asker.bus.request({ ...double, repeatable: true }, n, { signal: late() }),
  );
  assert.deepEqual(await Promise.all(asked), Array.from({ length: 20 }, (_, n) => n * 2));
});

Deno.test("a question that meets a leaving answerer is answered, or told at once that nobody is there", async () => {
  await using server = await startNatsServer();
  await using asker = await openUp(server);
  await using answerer = await openUp(server);
  for (let round = 0; round < 50; round++) {
    const answering = answerer.bus.respond(double, (n) => Promise.resolve(n * 2));
    const asked = Array.from({ length: 20 }, async (_, n) => {
      const outcome = await asker.bus.request(double, n, { signal: late() }).catch((thrown) =>
        toAppError(thrown).reason
      );
      // One that nobody told would be missed by the one who asks, and its outcome unknown.
      assert.ok(outcome === n * 2 || outcome === "no_answerer", String(outcome));
    });
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3)); // anywhere between two messages
    await answering[Symbol.asyncDispose]();
    await Promise.all(asked);
  }
});

Deno.test("an answerer that works for long is not taken for dead", async () => {
  await using server = await startNatsServer();
  await using asker = await openUp(server);
  await using answerer = await openUp(server);
  const begun = Promise.withResolvers<void>();
  const work = Promise.withResolvers<number>();
  await using _answering = answerer.bus.respond(double, () => {
    begun.resolve();
    return work.promise;
  });
  await using program = Object.assign(await connect({ servers: `127.0.0.1:${server.port}` }), {
    [Symbol.asyncDispose]: () => program.close(),
  });
  // Asked for the second time about the same question: it is still being worked on.
  let inquiries = 0;
  const inquired = Promise.withResolvers<void>();
  program.subscribe("nexo.question.*", { callback: () => void (++inquiries === 2 && inquired.resolve()) });
  await program.flush();
  let answer: Promise<number>;
  do answer = asker.bus.request(double, 21, { signal: late() }); while (
    await Promise.race([begun.promise.then(() => true), answer.then(() => true, () => false)]) === false
  );
  await inTime(Promise.race([inquired.promise, answer]));
  work.resolve(42);
  assert.equal(await answer, 42);
});
