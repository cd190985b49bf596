import assert from "node:assert/strict";
import { systemClock } from "../../src/lib/clock.ts";
import { newNatsBus, openBusWorld } from "../broker/bus_world.ts";
import { eventually } from "../e2e/black_box.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { askAgent, newAgentsConfig } from "./shared_config.ts";

const late = () => AbortSignal.timeout(60_000);
/** Waits a fiftieth of what is asked for. */
const hastyClock = { ...systemClock, wait: (ms: number, signal?: AbortSignal) => systemClock.wait(ms / 50, signal) };

Deno.test("a server that cannot keep as many copies as are asked for is named, with the remedy", async () => {
  await using server = await startNatsServer();
  const open = (replicas: number) =>
    openBusWorld(systemClock, (deps) => newNatsBus(deps, { broker: { url: server.url, replicas } }));
  const refusal = async () => {
    await using world = await open(3);
    return String((await world.log.nextEntry(({ event }) => event === "nats.down", late())).fields["error"]);
  };
  assert.match(await refusal(), /cannot keep each event on 3 servers.*Set broker\.replicas to 1/);
  {
    await using single = await open(1);
    await single.log.nextEntry(({ event }) => event === "nats.up", late());
  }
  assert.match(await refusal(), /cannot keep each event on 3 servers/, "also where the stream is there");
});

Deno.test("JetStream that is switched on later is found, also where the server does not go away for it", async () => {
  await using server = await startNatsServer({ jetStream: false, config: "max_payload: 1000000" });
  await using folder = await openTempDir();
  await using world = await openBusWorld(
    hastyClock,
    (deps) => newNatsBus(deps, { broker: { url: server.url, ping_interval: "60s" } }),
  );
  const isUp = (jetStream: boolean) => ({ event, fields }: { event: string; fields: Record<string, unknown> }) =>
    event === "nats.up" && fields["jetStream"] === jetStream;
  await world.log.nextEntry(isUp(false), late());
  await server.reload(`max_payload: 1000000\njetstream { store_dir: "${folder.path}" }`);
  await world.log.nextEntry(isUp(true), late());
  const { current } = world.bus.status;
  assert.ok(current.mode === "nats" && current.jetStream === true);
});

Deno.test("without JetStream the status says that nobody owns anything; with it leases begin", async () => {
  await using model = openFakeModel();
  await using server = await startNatsServer({ jetStream: false });
  await using nexo = await startNexo({ config: newAgentsConfig(server.url, model.baseUrl, ["ana"]) });
  const ready = async () => await (await fetch(`${nexo.health}/ready`)).text();
  assert.match(await ready(), /no JetStream.*do not know of each other.*-js/);
  await server.start({ jetStream: true });
  await eventually(async () => !/no JetStream/.test(await ready()), "leases");
  await eventually(async () => /NATS is up, its breaker is closed/.test(await ready()), "all well");
  const status = await runAgent(["status", "--data", nexo.dataDir]);
  assert.match(status.stdout, /\+ bus: NATS is up, its breaker is closed/);
  await using other = await startNexo({ config: newAgentsConfig(server.url, model.baseUrl, ["ana"]) });
  assert.equal((await other.nextLog("lease.held_by_other"))["pid"], nexo.pid);
});

Deno.test("a lease is kept while messages are not answered, and given back when they are", async () => {
  await using model = openFakeModel();
  await model.setRules([{ act: "hang", when: "riddle" }]);
  await using server = await startNatsServer();
  await using data = await openTempDir();
  const config = {
    ...newAgentsConfig(server.url, model.baseUrl, ["ana"]),
    "runtime.yaml": { shutdown: { budget: "100ms" } },
  };
  await using first = await startNexo({ config, dataDir: data.path });
  const asked = askAgent(first, "ana", "a riddle").catch(() => "no answer");
  await model.requests({ atLeast: 1 });
  first.kill("SIGTERM");
  assert.equal((await first.nextLog("lease.kept"))["key"], "agent.ana");
  await first.stopped;
  await asked;
  await using second = await startNexo({ config });
  assert.equal((await second.nextLog("lease.held_by_other"))["pid"], first.pid);

  await model.setRules([]);
  await using again = await startNexo({ config, dataDir: data.path });
  await again.idle();
  again.kill("SIGTERM");
  assert.equal((await again.nextLog("lease.given_back"))["key"], "agent.ana");
  assert.equal((await second.nextLog("lease.taken"))["key"], "agent.ana");
  assert.match(await askAgent(second, "ana", "hello"), /answer to: hello/);
});
