import assert from "node:assert/strict";
import { z } from "zod";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { factPageSchema } from "../../src/core/memory.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);
const memoryTools = ["remember", "recall", "forget", "memory_list"];

Deno.test("agents remember for people by their tools, operators see where from and make forget, also without a process", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl, telegram, agent: { allowed_tools: memoryTools } });
  const cli = async (...args: string[]) => await runAgent(["memory", ...args, "--data", data.path]);
  let id = "";
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    const box = newBlackBox(nexo);
    const say = async (chat: number, text: string, answer: RegExp, extra = {}) => {
      telegram.inject({ chat, text, ...extra });
      const { text: said } = await telegram.nextSent((sent) => sent.chatId === chat && answer.test(sent.text), soon());
      return said;
    };
    await say(
      7,
      'tool:remember {"text":"Bo hides the spare key under the fern","tags":["home"]}',
      /tool said: Remembered as/,
    );
    const found = await say(7, 'tool:recall {"query":"where is the spare key"}', /fern/);
    assert.match(found, /by who asks now; for this person only; tags: home/);
    await say(8, 'tool:recall {"query":"the spare key of Bo under the fern"}', /tool said: Nothing remembered matches/);
    await say(8, 'tool:memory_list {"person":"telegram:7"}', /tool said: Nothing is remembered/);
    const page = factPageSchema.parse(await box.get("/api/agents/ana/memory"));
    const [fact] = page.facts;
    id = fact?.id ?? "";
    assert.equal(fact?.person, "telegram:7");
    assert.equal(fact?.sessionId, "ana/telegram/main/7");
    assert.ok(fact?.messageId && fact.turnId);
    const shown = await cli("show", "ana", id);
    assert.match(shown.stdout, /fern[\s\S]*by +telegram:7\n[\s\S]*session +ana\/telegram\/main\/7\n/);
    const searched = await cli("search", "ana", "spare", "keys");
    assert.match(searched.stdout, /fern/);
    assert.match((await cli("list", "ana")).stdout, /1 in all/);
    assert.equal((await cli("list", "kate")).code, 4);
    assert.equal((await cli("show", "ana", "nothing")).code, 4);
    assert.equal((await cli("forget", "ana", id)).code, 2);
    const response = await box.request("/api/agents/..%2Fana/memory");
    await response.body?.cancel();
    assert.equal(response.status, 404);
    await eventually(async () => await box.metric("nexo_memory_indexed_total", '"ana"') === 1, "it has its vector");
  }
  const listed = await cli("list", "ana", "--json");
  assert.equal(factPageSchema.parse(JSON.parse(listed.stdout)).facts[0]?.recallCount, 1);
  assert.match((await cli("search", "ana", "fern")).stdout, /by words only/);
  assert.equal((await cli("list", "ben")).code, 4);
  const forgotten = await cli("forget", "ana", id, "--yes");
  assert.equal(forgotten.stdout, "1 fact forgotten.\n");
  assert.equal((await cli("forget", "ana", id, "--yes")).code, 4);
  assert.equal((await cli("list", "ana")).stdout, "No facts.\n");
});

Deno.test("what one person told in private does not come up in a group, nor for an agent without the tools", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({
    config: newTestConfig({
      modelUrl: model.baseUrl,
      telegram,
      agent: {
        allowed_tools: memoryTools,
        inbound_bindings: [{ plugin: "telegram", instance: "main", open: true, groups: "all" }],
      },
    }),
  });
  const box = newBlackBox(nexo);
  const chat = async (user: string, text: string) => (await box.chat({ user, text })).text;
  assert.match(await chat("bo", 'tool:remember {"text":"Bo earns 54000"}'), /for this person only/);
  assert.match(
    await chat("bo", 'tool:remember {"text":"The shop opens at nine","audience":"everyone"}'),
    /for everyone/,
  );
  assert.match(await chat("bo", 'tool:recall {"query":"Bo earns"}'), /54000/);
  const other = await chat("eve", 'tool:recall {"query":"Bo earns 54000, shop"}');
  assert.match(other, /opens at nine/);
  assert.doesNotMatch(other, /- [0-9a-f-]+: Bo earns/);
  telegram.inject({ chat: -100, from: 7, text: 'here\ntool:recall {"query":"Bo earns 54000, shop"}' });
  const { text } = await telegram.nextSent(({ chatId }) => chatId === -100, soon());
  assert.match(text, /opens at nine/);
  assert.doesNotMatch(text, /- [0-9a-f-]+: Bo earns/);
});

Deno.test("without being allowed by name an agent has no memory tools, and off they are gone for all", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const text = (await newBlackBox(nexo).chat({ text: 'tool:remember {"text":"x"}' })).text;
  assert.doesNotMatch(text, /Remembered/);
  await using off = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { allowed_tools: memoryTools } }),
      "memory.yaml": { long_term: { enabled: false } },
    },
  });
  const agents = z.object({ agents: z.array(z.object({ tools: z.number() })) });
  const before = agents.parse(await newBlackBox(nexo).get("/api/agents")).agents[0]?.tools;
  const without = agents.parse(await newBlackBox(off).get("/api/agents")).agents[0]?.tools;
  assert.equal(without, before);
});
