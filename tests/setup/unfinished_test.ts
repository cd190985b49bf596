import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { writeConfig } from "../fixtures/nexo_process.ts";
import { openSetupRoom } from "./setting_up.ts";

for (
  const [name, text] of [
    ["an empty folder", undefined],
    ["an empty file", ""],
    ["nothing but comments", "# mine\n# agents: []\n"],
    ["a list whose items are all comments", "agents:\n  # - id: ben\n"],
  ] as const
) {
  Deno.test(`a config of ${name} is set up step by step, each saying what is still missing`, async () => {
    await using room = await openSetupRoom();
    await Deno.mkdir(room.config);
    if (text !== undefined) await writeConfig(room.config, { "agents.yaml": text });
    const key = await room.file("key", "sk-1");
    const model = await room.setup("llm", "--provider", "anthropic", "--key-file", key, "--offline");
    assert.equal(model.code, 0, model.stderr);
    assert.match(model.stdout, /Still missing: .*agent setup agent --id ana/);
    const agent = await room.setup("agent", "--id", "ana");
    assert.equal(agent.code, 0, agent.stderr);
    assert.doesNotMatch(agent.stdout, /missing/);
    assert.equal((await room.agent("config", "check")).code, 0);
    for (const comment of text?.match(/#.*/g) ?? []) assert.ok((await room.read("agents.yaml")).includes(comment));
  });
}

Deno.test("secrets that were lost, as after a restore, are set up again one after the other", async () => {
  await using api = await openFakeBotApi();
  await using room = await openSetupRoom();
  const key = await room.file("key", "sk-1");
  const token = await room.file("token", api.token);
  const model = ["llm", "--provider", "anthropic", "--key-file", key, "--offline"];
  const bot = ["telegram", "--token-file", token, "--instance", "sales", "--agent", "ana", "--api-root", api.url];
  assert.equal((await room.setup(...model)).code, 0);
  assert.equal((await room.setup(...bot, "--allow", "@eva")).code, 0);
  const before = await room.snapshot();
  await Deno.remove(`${room.config}/secrets`, { recursive: true });

  const first = await room.setup(...bot);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /Still missing: .*llm\.yaml.*secrets\/anthropic/);
  const second = await room.setup(...model);
  assert.equal(second.code, 0, second.stderr);
  assert.doesNotMatch(second.stdout, /missing/);
  assert.deepEqual(await room.snapshot(), before);
});

Deno.test("what is wrong and not only missing is still refused before anything is asked", async () => {
  await using room = await openSetupRoom();
  await Deno.mkdir(room.config);
  await writeConfig(room.config, { "agents.yaml": "agents:\n  - id: ana\n    modle: auto\n" });
  const before = await room.snapshot();
  const { code, stderr } = await room.setup("agent", "--id", "ben");
  assert.deepEqual([code, /agents\.yaml:3:5 .*modle/.test(stderr)], [2, true]);
  assert.deepEqual(await room.snapshot(), before);
});

Deno.test("who may talk already still may when somebody else is let in", async () => {
  await using api = await openFakeBotApi();
  await using room = await openSetupRoom();
  const token = await room.file("token", api.token);
  const bot = ["telegram", "--token-file", token, "--agent", "ana", "--api-root", api.url, "--allow"];
  assert.equal((await room.setup(...bot, "@eva")).code, 0);
  const text = await room.read("agents.yaml");
  await Deno.writeTextFile(
    `${room.config}/agents.yaml`,
    text.replace('allow_from: ["@eva"]', 'allow_from: # ours\n          - "@eva" # her'),
  );
  assert.equal((await room.setup(...bot, "@tom,@eva")).code, 0);
  assert.match(await room.read("agents.yaml"), /allow_from: # ours\n {10}- "@eva" # her\n {10}- "@tom"\n$/);
});
