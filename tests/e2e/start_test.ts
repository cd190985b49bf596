import assert from "node:assert/strict";
import { z } from "zod";
import { metricTable } from "../../src/core/metrics.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo, startRefused } from "../fixtures/nexo_process.ts";

const shippedConfig = new URL("../../config", import.meta.url).pathname;
const main = new URL("../../main.ts", import.meta.url).pathname;
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });
const runFileSchema = z.strictObject({
  pid: z.number(),
  bootId: z.string().min(1),
  startedAt: z.iso.datetime(),
  health: z.url(),
  metrics: z.url(),
  admin: z.url(),
});

function get(nexo: NexoProcess, path: string, token = nexo.token): Promise<Response> {
  return fetch(`${nexo.admin}${path}`, { headers: { authorization: `Bearer ${token}` } });
}

Deno.test("the shipped config starts without a key, and its agent answers with the demo model and tools", async () => {
  await using nexo = await startNexo({ config: shippedConfig });
  const models = modelsSchema.parse(await (await get(nexo, "/v1/models")).json());
  const agent = models.data[0]?.id ?? "";
  const answer = await ask(nexo, { agent, user: "first", text: "What time is it?" });
  assert.equal(answer.status, 200, answer.text);
  assert.ok(answer.complete && answer.text.length > 0, answer.text);

  const response = await fetch(`${nexo.admin}/api/chat`, {
    method: "POST",
    headers: { "authorization": `Bearer ${nexo.token}`, "content-type": "application/json" },
    body: JSON.stringify({ agent, text: "What time is it?" }),
  });
  const events = await response.text();
  assert.match(events, /"toolStarted"/, events);
  assert.match(events, /"toolEnded"/, events);
});

Deno.test("a service's journal gets no link that logs in, and a pipe that a person reads does", async () => {
  const { JOURNAL_STREAM: _, ...ours } = Deno.env.toObject();
  for (const [env, login] of [[{ JOURNAL_STREAM: "8:1" }, false], [{}, true]] as const) {
    await using data = await openTempDir();
    const free = "127.0.0.1:0";
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", main, "run", "--config", shippedConfig, "--data", data.path],
      clearEnv: true,
      env: { ...ours, ...env, AGENT_HEALTH_ADDR: free, AGENT_METRICS_ADDR: free, AGENT_ADMIN_ADDR: free },
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let text = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      const isNew = !text.includes("logs you in");
      text += part;
      if (isNew && text.includes("logs you in")) child.kill("SIGTERM");
    }
    assert.equal((await child.status).code, 0, text);
    assert.equal(text.includes("/login?code="), login, text);
  }
});

Deno.test("data/run.json names the process and its three addresses", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const run = runFileSchema.parse(JSON.parse(await Deno.readTextFile(`${nexo.dataDir}/run.json`)));
  assert.equal(run.pid, nexo.pid);
  const ready = await fetch(new URL("/ready", run.health));
  assert.equal(ready.status, 200, await ready.text());
  const health = await fetch(new URL("/health", run.health));
  assert.equal(health.status, 200, await health.text());
});

Deno.test("a scrape holds every declared metric", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await ask(nexo, { agent: "ana", user: "one", text: "hello" });
  const scrape = await (await fetch(`${nexo.metrics}/metrics`)).text();
  const missing = Object.keys(metricTable).filter((name) => !scrape.includes(`# TYPE ${name} `));
  assert.deepEqual(missing, []);
  assert.match(scrape, /nexo_turns_total\{[^}]*agent="ana"[^}]*\} 1/);
});

Deno.test("a second start on the same data folder refuses and names the holder", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  await using nexo = await startNexo({ config, dataDir: data.path });
  const refused = await startRefused({ config, dataDir: data.path });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr.join("\n"), new RegExp(`\\b${nexo.pid}\\b`));
  const answer = await ask(nexo, { agent: "ana", user: "one", text: "still there?" });
  assert.equal(answer.text, "answer to: still there?");
});

Deno.test("a terminated process ends with success, and its data folder opens again", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await ask(nexo, { agent: "ana", user: "one", text: "hello" });
    nexo.kill("SIGTERM");
    assert.equal((await nexo.stopped).code, 0);
  }
  await using again = await startNexo({ config, dataDir: data.path });
  const answer = await ask(again, { agent: "ana", user: "one", text: "again" });
  assert.equal(answer.text, "answer to: again");
  const messages = JSON.stringify((await model.requests()).at(-1)?.messages);
  assert.match(messages, /answer to: hello/, "the history of the first process");
});

Deno.test("the token of the environment opens the door, and a wrong one does not", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: newTestConfig({ modelUrl: model.baseUrl }),
    env: { AGENT_ADMIN_TOKEN: "a-token-that-the-test-has-chosen" },
  });
  const right = await get(nexo, "/v1/models");
  assert.equal(right.status, 200, await right.text());
  const wrong = await get(nexo, "/v1/models", "another-token-of-the-same-length");
  assert.ok([401, 403].includes(wrong.status), await wrong.text());
});
