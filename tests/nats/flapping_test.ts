import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import { numberTopic } from "../broker/bus_contract.ts";
import { newNatsBus, openBusWorld } from "../broker/bus_world.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";

const late = () => AbortSignal.timeout(40_000);
const second = () => new Promise((resolve) => setTimeout(resolve, 1_000)); // the rhythm is the point

for (const jetStream of [true, false]) {
  const name = jetStream ? "JetStream" : "core NATS";
  Deno.test(`${name} that is up for a second and down for a second makes progress: all arrives, in order`, async () => {
    await using server = await startNatsServer({ jetStream });
    const broker = { url: server.url };
    await using consumer = await openBusWorld(systemClock, (deps) => newNatsBus(deps, { broker }));
    await using publisher = await openBusWorld(systemClock, (deps) => newNatsBus(deps, { broker, owned: [] }));
    let over = false;
    let cycles = 0;
    const flapping = (async () => {
      for (; !over; cycles++) {
        await server.kill();
        await second();
        await server.start();
        await second();
      }
    })();
    const count = 1_200;
    const publishing = (async () => {
      // A steady stream over several of its lives.
      for (let n = 0; n < count; n++) {
        await publisher.bus.publish(numberTopic("a"), { n });
        if (n % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    const taken: number[] = [];
    for await (const { event } of consumer.bus.consume(numberTopic("*"), { name: "numbers", signal: late() })) {
      taken.push(event.payload.n);
      if (taken.length === count) break;
    }
    over = true;
    await Promise.all([publishing, flapping]);
    assert.deepEqual(taken, Array.from({ length: count }, (_, n) => n));
    assert.ok(cycles >= 2, `${cycles} cycles`);
  });
}
