import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newChats } from "./chats.ts";

Deno.test("messages in many chats are answered once and in order", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  {
    await using _nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
      dataDir: data.path,
    });
    for (let round = 0; round < 5; round++) for (let chat = 1; chat <= 8; chat++) chats.write(chat);
    await chats.answered(AbortSignal.timeout(30_000));
  }
  chats.check(data.path);
});

Deno.test("a message that came twice is answered once", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  {
    await using _nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
      dataDir: data.path,
    });
    const mark = chats.write(7);
    telegram.inject({ chat: 7, text: mark, messageId: 1 });
    chats.write(7);
    await chats.answered(AbortSignal.timeout(60_000));
  }
  chats.check(data.path);
});

Deno.test("a process that is stopped while it answers leaves nothing out", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl, telegram });
  const chats = newChats(telegram);
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await model.setRules([{ act: "hold", times: 2 }]);
    for (const chat of [1, 2]) for (let round = 0; round < 3; round++) chats.write(chat);
    await model.requests({ held: 2 });
    nexo.kill("SIGTERM");
    await model.release();
    assert.equal((await nexo.stopped).code, 0);
  }
  {
    await using _nexo = await startNexo({ config, dataDir: data.path });
    await chats.answered(AbortSignal.timeout(60_000));
  }
  chats.check(data.path);
});
