import assert from "node:assert/strict";
import { eventually } from "../e2e/black_box.ts";
import { newChats } from "../e2e/chats.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";
import { type ConfigFiles, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { askAgent, newAgentsConfig, newPluginConfig } from "./shared_config.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("a plugin in one process and its agent in another answer as if they were one, also after either was killed", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using server = await startNatsServer();
  await using pluginData = await openTempDir();
  await using agentData = await openTempDir();
  const pluginSide = { config: newPluginConfig(server.url, telegram), dataDir: pluginData.path };
  const agentSide = { config: newAgentsConfig(server.url, model.baseUrl, ["ana"]), dataDir: agentData.path };
  await using cleanup = new AsyncDisposableStack();
  const plugin = cleanup.use(await startNexo(pluginSide));
  const agent = cleanup.use(await startNexo(agentSide));

  const chats = newChats(telegram);

  chats.write(1);
  await chats.answered(soon());

  agent.kill("SIGKILL");
  await agent.stopped;
  chats.write(1);
  const again = cleanup.use(await startNexo(agentSide));
  await chats.answered(soon());

  plugin.kill("SIGKILL");
  await plugin.stopped;
  chats.write(1);
  cleanup.use(await startNexo(pluginSide));
  await chats.answered(soon());

  await server.kill();
  chats.write(1);
  await server.start();
  await chats.answered(soon());

  await again[Symbol.asyncDispose]();
  chats.check(agentData.path);
});

Deno.test("a photo reaches a model in another process, whole, also over a server that takes small messages only", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using server = await startNatsServer({ config: "max_payload: 100000" });
  await using _plugin = await startNexo({ config: newPluginConfig(server.url, telegram) });
  await using _agent = await startNexo({ config: newAgentsConfig(server.url, model.baseUrl, ["ana"]) });
  const bytes = new Uint8Array(700_000).map((_, index) => index * 31 % 251);
  const photo = telegram.addFile(bytes, "photos/1.jpg");
  telegram.inject({ chat: 1, extra: { caption: "look", photo: [{ file_id: photo, file_size: bytes.length }] } });
  await telegram.nextSent(({ text }) => text.includes("look"), soon());
  const shown = JSON.stringify((await model.requests()).at(-1)?.messages);
  assert.ok(shown.includes(bytes.toBase64()), shown.slice(0, 2_000));
});

Deno.test("agents in two processes hand tasks to each other; one that nobody runs is refused at once", async () => {
  for (const jetStream of [true, false]) {
    await using model = openFakeModel();
    await using server = await startNatsServer({ jetStream });
    const configOf = (ids: readonly string[]): ConfigFiles => newAgentsConfig(server.url, model.baseUrl, ids);
    await using ana = await startNexo({ config: configOf(["ana"]) });
    await using _ben = await startNexo({ config: configOf(["ben"]) });
    await ana.nextLog("nats.up");

    const answer = await askAgent(ana, "ana", `tool:delegate {"agent":"ben","task":"how many stars"}`);
    assert.match(answer, /answer to: how many stars/);
    const round = await askAgent(
      ana,
      "ana",
      `tool:delegate {"agent":"ben","task":"tool:delegate {\\"agent\\":\\"ana\\",\\"task\\":\\"back\\"}"}`,
    );
    assert.match(round, /cycle/);
    const several = await askAgent(ana, "ana", `tool:delegate {"agents":["ben","nobody"],"task":"count"}`);
    assert.match(several, /\[ben\]\s+answer to: count\s+\[nobody\]\s+nobody does not take the task: no such agent/);
    const told = await askAgent(ana, "ana", `tool:delegate {"agent":"ben","task":"good night","wait":false}`);
    assert.match(told, /ben is told/);
    const isHeard = async () => (await model.requests()).some(({ userText }) => /^good night/.test(userText));
    await eventually(isHeard, "what it was told");
    if (jetStream) {
      const all = await askAgent(ana, "ana", `tool:delegate {"agent":"*","task":"add"}`);
      assert.match(all, /\[ben\]\s+answer to: add/);
    }
    assert.match(await askAgent(ana, "ana", `tool:delegate {"agent":"nobody","task":"x"}`), /no such agent/);
  }
});

Deno.test("a second process with the same agents waits until the first gives them back", async () => {
  await using model = openFakeModel();
  await using server = await startNatsServer();
  await using cleanup = new AsyncDisposableStack();
  const config = newAgentsConfig(server.url, model.baseUrl, ["ana"]);
  const first = cleanup.use(await startNexo({ config }));
  const second = cleanup.use(await startNexo({ config: newAgentsConfig(server.url, model.baseUrl, ["ana", "ben"]) }));
  const held = await second.nextLog("lease.held_by_other");
  assert.deepEqual([held["key"], held["pid"]], ["agent.ana", first.pid]);
  const ready = await (await fetch(`${second.health}/ready`)).text();
  assert.match(ready, new RegExp(`lease.agent.ana.*Process ${first.pid} on`));
  assert.match(await askAgent(second, "ben", "hello"), /answer to: hello/);

  first.kill("SIGTERM");
  assert.deepEqual((await second.nextLog("lease.taken"))["key"], "agent.ana");
  assert.match(await askAgent(second, "ana", "hello again"), /answer to: hello again/);
});
