import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);

/** Three agents that may hand tasks to each other, and answer each message by its own turn. */
function configure(modelUrl: string, telegram?: { readonly url: string; readonly token: string }) {
  const agent = (id: string) => ({
    id,
    model: { provider: "fake", model: "fake-1" },
    allowed_tools: ["memory_*", "delegate"],
    allowed_delegates: ["*"],
    config: { debounce_ms: 0 },
  });
  const config = newTestConfig({
    modelUrl,
    ...(telegram === undefined ? {} : { telegram }),
    agent: { allowed_tools: ["memory_*", "delegate"], allowed_delegates: ["*"] },
  });
  return { ...config, "agents.d/others.yaml": { agents: [agent("ben"), agent("cleo")] } };
}

function delegate(agent: string, task: string): string {
  return `tool:delegate ${JSON.stringify({ agent, task })}`;
}

Deno.test("a task goes from agent to agent and its answer comes back, also from a chat", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using _nexo = await startNexo({ config: configure(model.baseUrl, telegram) });
  telegram.inject({ chat: 1, text: delegate("ben", delegate("cleo", "how many stars are there")) });
  const answer = await telegram.nextSent(() => true, soon());
  assert.match(answer.text, /answer to: how many stars are there/);
  const heard = await model.requests();
  assert.equal(
    heard.filter(({ userText }) => userText.includes("stars")).length,
    5,
    "two calls of ana and of ben, one of cleo",
  );
});

Deno.test("a task that comes round to its giver is refused at once, and while it runs the agent answers others", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: configure(model.baseUrl) });
  const box = newBlackBox(nexo);
  const round = await box.chat({ user: "u", text: delegate("ben", delegate("ana", "round and round")) });
  assert.equal(round.status, 200);
  assert.match(round.text, /does not take the task/);

  await model.setRules([{ when: "slow task", act: "hold", times: 1, afterTool: false }]);
  const slow = box.chat({ agent: "cleo", user: "u", text: "slow task" });
  await model.requests({ held: 1 });
  const waiting = box.chat({ user: "u", text: delegate("cleo", "quick task") });
  assert.match((await waiting).text, /answer to: quick task/);
  assert.equal((await box.chat({ user: "v", text: "hello" })).text, "answer to: hello");
  await model.release();
  await slow;
});

Deno.test("an agent that may not give tasks has no such tool", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: [], allowed_delegates: ["*"] } }),
  });
  const { text } = await newBlackBox(nexo).chat({ user: "u", text: delegate("ana", "x") });
  assert.match(text, /tool said: .*(no tool|not|unknown)/i);
});

Deno.test("a burst in one conversation becomes few turns that hold every message", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using _nexo = await startNexo({
    config: newTestConfig({ modelUrl: model.baseUrl, telegram, agentConfig: { debounce_ms: 300 } }),
  });
  for (let index = 0; index < 100; index++) telegram.inject({ chat: 1, text: `part ${index}.` });
  await telegram.nextSent(({ text }) => text.includes("part 99."), soon());
  const asked = await model.requests();
  assert.ok(asked.length <= 10, `${asked.length} turns`);
  const seen = JSON.stringify(asked.at(-1)?.messages);
  for (let index = 0; index < 100; index++) assert.ok(seen.includes(`part ${index}.`), `part ${index}`);
  assert.equal(telegram.sent.map(({ text }) => text).join("\n").match(/part 99\./g)?.length, 1);
});

for (const mode of ["merge", "steer"] as const) {
  Deno.test(`messages that come while a turn runs are all answered in mode ${mode}, with fewer turns`, async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram, agentConfig: { mode } }),
    });
    await model.setRules([{ act: "hold", times: 1 }]);
    telegram.inject({ chat: 1, text: "first." });
    await model.requests({ held: 1 });
    for (const text of ["second.", "third.", "fourth."]) telegram.inject({ chat: 1, text });
    await telegram.drained(soon());
    await model.release();
    await telegram.nextSent(({ text }) => text.includes("fourth."), soon());
    const asked = await model.requests();
    assert.ok(asked.length <= 3, `${asked.length} calls`);
    const seen = JSON.stringify(asked.at(-1)?.messages);
    for (const text of ["first.", "second.", "third.", "fourth."]) assert.ok(seen.includes(text), text);
    assert.equal(await newBlackBox(nexo).metric("nexo_dead_letters_total"), 0);
  });
}
