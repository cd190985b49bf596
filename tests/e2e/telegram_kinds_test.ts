import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo, startRefused } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("edits, topics, voice and documents reach the agent, photos reach the model", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const png = Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13]);
  const photo = telegram.addFile(png, "photos/1.png");
  const lastMessages = async () => JSON.stringify((await model.requests()).at(-1)?.messages);

  telegram.fail("getFile", { status: 500 });
  telegram.inject({ chat: 1, extra: { caption: "what is this", photo: [{ file_id: photo, file_size: png.length }] } });
  await telegram.nextSent(({ text }) => text.includes("what is this"), soon());
  assert.match(await lastMessages(), /data:image/);

  const file = telegram.addFile(new TextEncoder().encode("file content"), "documents/1.txt");
  const document = { file_id: file, file_size: 12, mime_type: "text/plain", file_name: "notes.txt" };
  telegram.inject({ chat: 2, extra: { caption: "look at it", document } });
  await telegram.nextSent(({ chatId }) => chatId === 2, soon());
  assert.match(await lastMessages(), /notes\.txt/);

  telegram.inject({ chat: 3, extra: { voice: { file_id: file, file_size: 12, mime_type: "audio/ogg", duration: 2 } } });
  await telegram.nextSent(({ chatId }) => chatId === 3, soon());

  telegram.inject({
    chat: -4,
    text: "/ask",
    extra: {
      message_thread_id: 77,
      is_topic_message: true,
      entities: [{ type: "bot_command", offset: 0, length: 4 }],
      reply_to_message: { message_id: 1, from: { id: 123456, is_bot: true } },
    },
  });
  const inTopic = await telegram.nextSent(({ chatId }) => chatId === -4, soon());
  assert.equal(Number(inTopic.payload.message_thread_id), 77);

  telegram.inject({ chat: 5, text: "how old is tim", messageId: 50 });
  await telegram.nextSent(({ text }) => text.includes("how old is tim"), soon());
  telegram.inject({
    update: {
      edited_message: {
        message_id: 50,
        date: 1,
        edit_date: 2,
        chat: { id: 5, type: "private" },
        from: { id: 5, is_bot: false, first_name: "P5" },
        text: "how old is tom",
      },
    },
  });
  await telegram.nextSent(({ text }) => text.includes("how old is tom"), soon());
  assert.equal(await newBlackBox(nexo).metric("nexo_dead_letters_total"), 0);
});

Deno.test("updates of shapes that nobody has seen are passed over, and what follows is answered", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using _nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  for (
    const update of [
      {},
      { message: null },
      { message: { message_id: "x" } },
      { message: { message_id: 1, date: 0, chat: { id: 1, type: "private" } } },
      { channel_post: { message_id: 1, date: 0, chat: { id: -1, type: "channel" }, text: "hi" } },
      { message: { message_id: 2, date: 0, chat: { id: 1, type: "private" }, new_chat_members: [] } },
      { poll: { id: "1" } },
    ]
  ) telegram.inject({ update });
  telegram.inject({ chat: 1, text: "\u0000\uD83D broken \u202E text" });
  telegram.inject({ chat: 1, text: "after all that" });
  await telegram.nextSent(({ text }) => text.includes("after all that"), soon());
  await telegram.drained(soon());
});

Deno.test("a webhook takes updates with its secret only, and answers when they cannot be lost", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  const webhook = { public_url: "https://bot.example.org/hook", secret: "the-secret-of-the-webhook" };
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl, telegram }),
      "plugins/telegram.yaml": {
        telegram: [{ instance: "main", token: telegram.token, api_root: telegram.url, webhook }],
      },
    },
  });
  await telegram.nextCall(({ method }) => method === "setWebhook", soon());
  const url = String(telegram.webhook?.url);
  assert.ok(url.startsWith("https://bot.example.org/"), url);
  const post = async (secret: string | undefined, body: string, path = "/webhooks/telegram/main") => {
    const headers = secret === undefined ? {} : { "x-telegram-bot-api-secret-token": secret };
    const response = await fetch(`${nexo.health}${path}`, { method: "POST", headers, body });
    await response.body?.cancel();
    return response.status;
  };
  const update = JSON.stringify({
    update_id: 5,
    message: {
      message_id: 9,
      date: 1,
      chat: { id: 8, type: "private" },
      from: { id: 8, is_bot: false, first_name: "Eve" },
      text: "by webhook",
    },
  });
  await eventually(async () => await post(webhook.secret, update) === 200, "the webhook takes an update");
  assert.equal(await post(webhook.secret, update), 200);
  assert.equal(await post(undefined, update), 401);
  assert.equal(await post("wrong", update), 401);
  assert.equal(await post(webhook.secret, "no json"), 400);
  assert.equal(await post(webhook.secret, update, "/webhooks/telegram/other"), 404);
  await telegram.nextSent(({ text }) => text.includes("by webhook"), soon());
  assert.equal(telegram.sent.length, 1);
});

Deno.test("two instances with one token are refused, with the name of the holder and without the token", async () => {
  const token = "123456:a-token-of-two-instances-0123456789";
  const twin = (instance: string) => ({ instance, token });
  const { code, stderr } = await startRefused({
    config: {
      ...newTestConfig({ modelUrl: "http://127.0.0.1:9/v1", telegram: { url: "http://127.0.0.1:9", token } }),
      "plugins/telegram.yaml": { telegram: [twin("main"), twin("other")] },
    },
  });
  assert.equal(code, 2);
  assert.match(stderr.join("\n"), /telegram\[1\].*account of telegram\.main/);
  assert.ok(!stderr.join("\n").includes(token));
});

Deno.test("senders that never end their webhook's body do not keep others out", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  const webhook = { public_url: "https://bot.example.org/hook", secret: "the-secret-of-the-webhook" };
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl }),
      "plugins/telegram.yaml": {
        telegram: [{ instance: "main", token: telegram.token, api_root: telegram.url, webhook }],
      },
    },
  });
  const url = `${nexo.health}/webhooks/telegram/main`;
  const post = async () => {
    const response = await fetch(url, { method: "POST", body: "{}" });
    await response.body?.cancel();
    return response.status;
  };
  await eventually(async () => await post() === 401, "the instance is up");
  const { hostname, port } = new URL(nexo.health);
  using connections = new DisposableStack();
  const holdPlace = async () => {
    const connection = connections.use(await Deno.connect({ hostname, port: Number(port) }));
    const head = "POST /webhooks/telegram/main HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\n{";
    await connection.write(new TextEncoder().encode(head));
  };
  for (let index = 0; index < 60; index++) await holdPlace();
  const isFull = async () => {
    await holdPlace();
    return await post() === 503;
  };
  await eventually(isFull, "all places are taken");
  await eventually(async () => await post() === 401, "they are given back");
});
