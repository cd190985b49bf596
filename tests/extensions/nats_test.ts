import assert from "node:assert/strict";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { openLink } from "../../src/broker/link.ts";
import { newNatsWire } from "../../src/broker/nats_wire.ts";
import { brokerFileSchema } from "../../src/config/broker.ts";
import { toSubjects } from "../../src/extensions/nats.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { openExtensionWorld, textOf } from "./world.ts";

const subjects = toSubjects("ext", "remote");
const manifest = `id = "remote"
version = "1.0.0"
[transport]
type = "nats"
subject_prefix = "ext"
[[tools]]
name = "say"
effect = "none"
`;

/** A server, and the link of the runtime to it. */
async function openNats() {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startNatsServer());
  const { broker } = brokerFileSchema.parse({ broker: { type: "nats", url: server.url } });
  if (broker.type !== "nats") throw new Error("the config names NATS");
  const link = opening.use(
    openLink({ config: broker, log: newRecordedLog(), clock: systemClock, prepare: () => Promise.resolve() }),
  );
  const owned = opening.move();
  return { server, wire: newNatsWire(link), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An extension on NATS, as another program would be one. */
async function openRemote(url: string, said: string, announcement: Readonly<Record<string, unknown>> = {}) {
  const connection: NatsConnection = await connect({ servers: url });
  const announce = () =>
    connection.publish(subjects.announce, JSON.stringify({ id: "remote", version: "1.0.0", ...announcement }));
  connection.subscribe(subjects.request, { callback: announce });
  connection.subscribe(subjects.rpc, {
    callback(_error, message) {
      const { id, method } = message.json<{ id: number; method: string }>();
      const tools = [{ name: "say", description: "says", input_schema: { type: "object" } }];
      const result = method === "tools/call" ? said : { tools };
      message.respond(JSON.stringify({ jsonrpc: "2.0", id, result }));
    },
  });
  await connection.flush();
  announce();
  return { connection, announce, [Symbol.asyncDispose]: () => connection.close() };
}

Deno.test("an extension on NATS is there once it announces itself, and answers calls", async () => {
  await using nats = await openNats();
  await using world = await openExtensionWorld({ nats: nats.wire });
  await world.write("remote", { "plugin.toml": manifest });
  await world.open();
  const waiting = await world.enable("remote", ({ state }) => state === "starting");
  assert.match(waiting.reason ?? "", /waits to be announced on ext\.registry\.announce/);
  await using remote = await openRemote(nats.server.url, "from afar");
  assert.deepEqual((await world.until("remote", ({ state }) => state === "up")).tools, ["ext_remote_say"]);
  assert.equal(textOf(await world.call("ext_remote_say", {})), "from afar");

  remote.connection.publish(subjects.shutdown, "{}");
  await world.until("remote", ({ state, reason = "" }) => state !== "up" && /said that it goes/.test(reason));
  // It is asked to announce itself again, and does.
  await world.until("remote", ({ state }) => state === "up");
});

Deno.test("an extension on NATS that is silent for 45 seconds is lost", async () => {
  await using nats = await openNats();
  const clock = newFakeClock();
  await using world = await openExtensionWorld({ nats: nats.wire, clock });
  await world.write("remote", { "plugin.toml": manifest });
  const opening = world.open();
  await clock.untilWaiting(1);
  await opening;
  await using remote = await openRemote(nats.server.url, "here");
  await world.enable("remote");
  await clock.advance(44_000);
  assert.equal(world.view("remote").state, "up");
  remote.connection.publish(subjects.heartbeat, "{}");
  await remote.connection.flush();
  // The heartbeat has come when a call that was sent after it is answered.
  await world.call("ext_remote_say", {});
  await clock.advance(44_000);
  assert.equal(world.view("remote").state, "up");
  await remote.connection.close();
  await clock.advance(2_000);
  assert.match(world.view("remote").reason ?? "", /not heard of for 45 s/);
});

Deno.test("whoever announces another version, or another manifest, is not believed", async () => {
  await using nats = await openNats();
  await using world = await openExtensionWorld({ nats: nats.wire });
  await world.write("remote", { "plugin.toml": manifest });
  await world.open();
  for (
    const [announcement, reason] of [
      [{ version: "6.6.6" }, /as version 6\.6\.6, and its manifest here says 1\.0\.0/],
      [{ manifest_hash: "0".repeat(64) }, /with another manifest than the one here/],
    ] as const
  ) {
    await using _imposter = await openRemote(nats.server.url, "evil", announcement);
    await world.enable("remote", ({ reason: said = "" }) => reason.test(said));
    assert.deepEqual(world.view("remote").tools, []);
  }
});

Deno.test("an extension on NATS comes back after the server was away", async () => {
  await using nats = await openNats();
  await using world = await openExtensionWorld({ nats: nats.wire });
  await world.write("remote", { "plugin.toml": manifest });
  await world.open();
  {
    await using _remote = await openRemote(nats.server.url, "before");
    await world.enable("remote");
  }
  await nats.server.kill();
  await nats.server.start();
  await using _again = await openRemote(nats.server.url, "after");
  const patience = AbortSignal.timeout(30_000);
  for (let said = ""; said !== "after"; patience.throwIfAborted()) {
    // The runtime's own connection comes back in its own time: nothing outside of it tells when.
    await new Promise((resolve) => setTimeout(resolve, 20));
    said = await world.call("ext_remote_say", {}).then(textOf, () => "");
  }
});

Deno.test("without NATS an extension on it says what is missing", async () => {
  await using world = await openExtensionWorld();
  await world.write("remote", { "plugin.toml": manifest });
  await world.open();
  const view = await world.enable("remote", ({ state }) => state === "starting");
  assert.match(view.reason ?? "", /set broker\.type to nats/);
});
