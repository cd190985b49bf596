import { systemClock } from "../../src/lib/clock.ts";
import { type NatsServer, startNatsServer } from "../fixtures/nats_server.ts";
import { busContract } from "./bus_contract.ts";
import { newNatsBus, type OpenBusWorld, openBusWorld } from "./bus_world.ts";
import type { NatsBus } from "../../src/broker/nats.ts";

const late = () => AbortSignal.timeout(60_000);

/** A bus that has come up on the server. */
async function openUp(server: NatsServer): Promise<OpenBusWorld<NatsBus>> {
  const world = await openBusWorld(systemClock, (deps) => newNatsBus(deps, { broker: { url: server.url } }));
  await world.log.nextEntry(({ event }) => event === "nats.up", late());
  return world;
}

/** Kills and starts the server again and again until disposed. */
function flap(server: NatsServer): AsyncDisposable {
  let over = false;
  const flapping = (async () => {
    while (!over) {
      await server.kill();
      await server.start();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      over = true;
      await flapping;
    },
  };
}

for (const { fact, run } of busContract) {
  for (const jetStream of [true, false]) {
    Deno.test(`the bus on NATS ${jetStream ? "with" : "without"} JetStream ${fact}`, async () => {
      await using server = await startNatsServer({ jetStream });
      await using world = await openUp(server);
      await run(world);
    });
  }
  Deno.test(`the bus on NATS that is not there ${fact}`, async () => {
    await using server = await startNatsServer();
    await server.kill();
    await using world = await openBusWorld(systemClock, (deps) => newNatsBus(deps, { broker: { url: server.url } }));
    await run(world);
  });
  Deno.test(`the bus on NATS that dies again and again ${fact}`, async () => {
    await using server = await startNatsServer();
    await using world = await openUp(server);
    await using _flapping = flap(server);
    await run(world);
  });
}
