import assert from "node:assert/strict";
import { z } from "zod";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";
import { newChats } from "./chats.ts";

const soon = () => AbortSignal.timeout(60_000);
const deadSchema = z.object({ items: z.array(z.looseObject({ id: z.number(), hop: z.string(), kind: z.string() })) });

Deno.test("a rate limit and a failing server only put replies off", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  telegram.fail("sendMessage", {
    status: 429,
    body: { ok: false, error_code: 429, description: "Too Many Requests", parameters: { retry_after: 1 } },
    times: 2,
  });
  {
    await using _nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
      dataDir: data.path,
    });
    const before = Date.now();
    for (let round = 0; round < 3; round++) chats.write(1);
    await chats.answered(soon());
    assert.ok(Date.now() - before >= 1_000, "retry_after was waited for");
  }
  chats.check(data.path);
});

Deno.test("who blocked the bot costs a dead letter and nobody else's answer, and its replay delivers", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  const body = { ok: false, error_code: 403, description: "Forbidden: bot was blocked by the user" };
  telegram.fail("sendMessage", { status: 403, body });
  telegram.inject({ chat: 1, text: "from the one who blocks" });
  await telegram.nextCall(({ method }) => method === "sendMessage", soon());
  telegram.inject({ chat: 2, text: "from another" });
  await telegram.nextSent(({ chatId }) => chatId === 2, soon());
  const list = async () => deadSchema.parse(await box.get("/api/dead-letters")).items;
  await eventually(async () => (await list()).length === 1, "a dead letter");
  const [dead] = await list();
  assert.equal(dead?.hop, "outbound");
  assert.equal(dead?.kind, "denied");
  assert.equal(await box.metric("nexo_dead_letters_total", 'hop="outbound"'), 1);
  await box.post("/api/dead-letters/replay", { ids: [dead?.id] });
  const replayed = await telegram.nextSent(({ chatId }) => chatId === 1, soon());
  assert.match(replayed.text, /from the one who blocks/);
  assert.equal((await model.requests()).length, 2, "the model is not asked again");
});

Deno.test("a long answer goes out in parts within the limit, whole and in order", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  const paragraph = "Some **bold** text with 👨‍👩‍👧‍👦 and a [link](https://example.org/a_b). ";
  const text = `${paragraph.repeat(60)}\n\n\`\`\`ts\n${"const x = '😀😀😀';\n".repeat(500)}\`\`\`\n\nThe end`;
  await model.setRules([{ text }]);
  await using _nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  telegram.inject({ chat: 1, text: "tell me a lot" });
  await telegram.nextSent((message) => message.text.includes("The end"), soon());
  assert.ok(telegram.sent.length >= 4);
  for (const { text } of telegram.sent) {
    assert.ok(text.length <= 4096);
    assert.ok(text.isWellFormed(), "no surrogate pair is cut");
  }
  const whole = telegram.sent.map(({ text }) => text).join("\n");
  assert.equal(whole.match(/const x/g)?.length, 500);
  assert.equal(whole.match(/bold/g)?.length, 60);
});

Deno.test("a wrong token does not fail the start, and the status says what to do", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  const token = "999:a-token-that-nobody-gave-out-0123456789";
  await using nexo = await startNexo({
    config: newTestConfig({ modelUrl: model.baseUrl, telegram: { url: telegram.url, token } }),
  });
  const box = newBlackBox(nexo);
  await eventually(async () => /401/.test(JSON.stringify(await box.get("/api/channels"))), "the reason");
  const { status, text } = await box.ready();
  assert.equal(status, 200);
  assert.match(text, /BotFather/);
  assert.equal((await box.chat({ user: "u", text: "hi" })).text, "answer to: hi");
  for (const line of nexo.stderr()) assert.ok(!line.includes(token), line);
});

Deno.test("another poller with the same token is named, and taken over from when it has gone", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  telegram.fail("getUpdates", {
    status: 409,
    body: { ok: false, error_code: 409, description: "Conflict: terminated by other getUpdates request" },
    times: 1,
  });
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  await eventually(async () => /Another program/.test((await box.ready()).text), "the conflict is told");
  telegram.inject({ chat: 1, text: "anybody there" });
  await telegram.nextSent(({ chatId }) => chatId === 1, AbortSignal.timeout(60_000));
  await eventually(
    async () => /"lastInboundAt":"20.*"lastOutboundAt":"20/.test(JSON.stringify(await box.get("/api/channels"))),
    "an open connection alone proves little",
  );
  await eventually(async () => !/Another program/.test((await box.ready()).text), "the conflict is over");
});

Deno.test("what came while the process was down is answered once", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl, telegram });
  const chats = newChats(telegram);
  for (const part of [1, 2, 3]) {
    for (let round = 0; round < part; round++) for (let chat = 1; chat <= 60; chat++) chats.write(chat);
    await using _nexo = await startNexo({ config, dataDir: data.path });
    await chats.answered(AbortSignal.timeout(60_000));
  }
  chats.check(data.path);
});

for (const [method, body] of [["getUpdates", { ok: true, result: null }], ["sendMessage", { ok: true }]] as const) {
  Deno.test(`what ${method} is not answered as Telegram would is asked again`, async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    telegram.fail(method, { status: 200, body });
    await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
    telegram.inject({ chat: 1, text: "hello" });
    await telegram.nextSent(({ text }) => text.includes("hello"), soon());
    const warned = await nexo.nextLog(method === "getUpdates" ? "telegram.poll_failed" : "outbox.unknown");
    assert.doesNotMatch(JSON.stringify(warned), /TypeError|Cannot read|not a function/);
  });
}
