import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { newChats } from "./chats.ts";

async function scrape(nexo: NexoProcess): Promise<string> {
  return await (await fetch(`${nexo.metrics}/metrics`)).text();
}

Deno.test("more messages than may wait are held back at the provider, refused at the door, and none is lost", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  await model.setRules([{ act: "hold" }]);
  {
    await using nexo = await startNexo({
      config: newTestConfig({
        modelUrl: model.baseUrl,
        telegram,
        runtime: { limits: { max_waiting_messages: 20, max_parallel_turns: 4 } },
      }),
      dataDir: data.path,
    });
    for (let round = 0; round < 30; round++) for (let chat = 1; chat <= 10; chat++) chats.write(chat);
    await model.requests({ held: 4 });
    await nexo.nextLog("intake.paused");
    assert.match(await scrape(nexo), /nexo_intake_paused\{[^}]*\} 1/);
    assert.ok(telegram.pendingUpdates().length > 100, `${telegram.pendingUpdates().length} updates are not taken`);
    const refused = await ask(nexo, { agent: "ana", user: "program", text: "me too" });
    assert.ok([429, 503].includes(refused.status), `${refused.status} ${refused.text}`);
    await model.setRules([]);
    await model.release();
    await chats.answered(AbortSignal.timeout(60_000));
  }
  chats.check(data.path);
});

Deno.test("a ledger that may not grow pauses intake, says so at /ready, and loses nothing when it may again", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  const configure = (limits: Readonly<Record<string, unknown>>) =>
    newTestConfig({ modelUrl: model.baseUrl, telegram, runtime: { limits } });
  {
    await using nexo = await startNexo({ config: configure({ max_ledger_bytes: 1_000_000 }), dataDir: data.path });
    for (let round = 0; round < 60; round++) for (let chat = 1; chat <= 5; chat++) chats.write(chat, "x".repeat(4_000));
    await nexo.nextLog("ledger.refuses");
    const ready = await fetch(`${nexo.health}/ready`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /ledger/);
  }
  {
    await using _nexo = await startNexo({ config: configure({}), dataDir: data.path });
    await chats.answered(AbortSignal.timeout(60_000));
  }
  chats.check(data.path);
});

Deno.test("a crowd that comes at once does not pass the bound: who is over it is told when to come back", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  await model.setRules([{ act: "hold" }]);
  {
    await using nexo = await startNexo({
      config: newTestConfig({
        modelUrl: model.baseUrl,
        telegram,
        runtime: { limits: { max_waiting_messages: 20, max_parallel_turns: 4 } },
      }),
      dataDir: data.path,
    });
    const box = newBlackBox(nexo);
    const asked = Array.from({ length: 200 }, (_, index) => box.chat({ user: `u${index}`, text: `text ${index}` }));
    await nexo.nextLog("intake.paused");
    for (let chat = 1; chat <= 100; chat++) chats.write(chat);
    await model.requests({ held: 4 });
    assert.ok(await box.metric("nexo_queue_depth", '"inbox"') <= 40, "about as many wait as may");
    await model.setRules([]);
    await model.release();
    const answers = await Promise.all(asked);
    const refused = answers.filter(({ status }) => status !== 200);
    assert.ok(refused.length >= 100, `${refused.length} refused`);
    for (const { status, headers } of refused) {
      assert.equal(status, 503);
      assert.ok(Number(headers.get("retry-after")) > 0);
    }
    assert.ok(answers.some(({ status }) => status === 200));
    await chats.answered(AbortSignal.timeout(60_000));
  }
  chats.check(data.path);
});
