import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";

Deno.test("agent logs shows the log of the running process by event and field, and follows it over SSE", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await ask(nexo, { agent: "ana", user: "one", text: "hello" });
  await nexo.idle();
  const shown = await runAgent(["logs", "--event", "turn.", "--agent", "ana", "--data", nexo.dataDir, "--json"]);
  assert.equal(shown.code, 0, shown.stderr);
  const entries = shown.stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(entries.map(({ event, agent, outcome }) => ({ event, agent, outcome })), [
    { event: "turn.ended", agent: "ana", outcome: "answered" },
  ]);
  const pretty = await runAgent(["logs", "--limit", "1", "--event", "app.ready", "--data", nexo.dataDir]);
  assert.match(pretty.stdout, /^\d\d:\d\d:\d\d\.\d{3} info {2}app\.ready /);

  const headers = { authorization: `Bearer ${nexo.token}` };
  const response = await fetch(`${nexo.admin}/api/logs?follow=1&event=turn.ended&limit=1`, { headers });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  const readUntil = async (count: number) => {
    while (seen.split("event: entry").length - 1 < count) seen += (await reader?.read())?.value ?? "";
  };
  await readUntil(1);
  await ask(nexo, { agent: "ana", user: "one", text: "again" });
  await readUntil(2);
  await reader?.cancel();

  const refused = await fetch(`${nexo.admin}/api/logs`);
  assert.equal(refused.status, 401, await refused.text());
});

Deno.test("agent logs on a stopped process says how to start it", async () => {
  const { code, stderr } = await runAgent(["logs", "--data", "/nonexistent"]);
  assert.equal(code, 6);
  assert.match(stderr, /Nothing runs on \/nonexistent\. Start it/);
});
