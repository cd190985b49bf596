import assert from "node:assert/strict";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

const call = (tool: string, input: unknown) => `tool:${tool} ${JSON.stringify(input)}`;

Deno.test("a process killed while it dreams dreams once, and its dream is undone with its facts", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({
    modelUrl: model.baseUrl,
    agent: { allowed_tools: ["remember", "recall"], budget: { daily_tokens: 10_000_000 } },
  });
  const start = () => startNexo({ config, dataDir: data.path });
  const agent = async (...args: readonly string[]) => await runAgent([...args, "--data", data.path]);
  const facts = async () => {
    const listed = await agent("memory", "list", "ana", "--all", "--json");
    return JSON.parse(listed.stdout).facts.map((fact: Record<string, unknown>) => [fact["text"], fact["supersededBy"]]);
  };
  {
    await using nexo = await start();
    const box = newBlackBox(nexo);
    const texts = ["Eva likes green tea.", "The door code of the garage is 4711.", "The garage door code is 4711."];
    for (const text of texts) await box.chat({ user: "eva", text: call("remember", { text, audience: "everyone" }) });
    for (let time = 0; time < 3; time++) {
      await box.chat({ user: `u${time}`, text: call("recall", { query: "green tea", limit: 1 }) });
    }
    const dry = await agent("dream", "ana", "--dry-run");
    assert.match(dry.stdout, /\+ Eva likes green tea\. \(recalled 3 times\)[^]*Nothing was changed/, dry.stderr);
  }
  {
    await using nexo = await start();
    // Killed while the model is asked: nothing has happened yet.
    await model.setRules([{ when: "Group 1", act: "hold" }]);
    const dreaming = agent("dream", "ana");
    await model.requests({ held: 1 });
    nexo.kill("SIGKILL");
    assert.notEqual((await dreaming).code, 0);
  }
  const before = await facts();
  await model.setRules([{
    when: "Group 1",
    text: JSON.stringify({ merged: [{ group: 1, text: "The code of the garage door is 4711." }] }),
  }]);
  for (let round = 0; round < 3; round++) {
    // Killed somewhere in the middle, later each time.
    const nexo = await start();
    const dreaming = agent("dream", "ana");
    await model.requests({ atLeast: 1 });
    for (let turn = 0; turn < round * 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    nexo.kill("SIGKILL");
    await nexo[Symbol.asyncDispose]();
    await dreaming;
  }
  await using nexo = await start();
  await agent("dream", "ana");
  const log = JSON.parse((await agent("workspace", "log", "ana", "--json")).stdout);
  assert.equal(log.commits.length, 1, JSON.stringify(log));
  assert.equal(log.commits[0].why, "Dream: 1 promoted, 1 merged, 0 faded");
  const folder = `${data.path}/agents/ana/workspace`;
  assert.equal((await Deno.readTextFile(`${folder}/MEMORY.md`)).match(/green tea/g)?.length, 1);
  assert.equal((await facts()).length, 4);
  await newBlackBox(nexo).chat({ user: "bo", text: "hello" });
  assert.match(JSON.stringify((await model.requests()).at(-1)?.messages), /Recalled often[^]*green tea/);
  const undone = await agent("workspace", "revert", "ana", log.commits[0].id);
  assert.equal(undone.code, 0, undone.stderr);
  assert.deepEqual(await facts(), before);
});
