import assert from "node:assert/strict";
import { telegram } from "../../plugins/telegram/plugin.ts";
import { AppError } from "../../src/core/error.ts";
import type { WebhookRequest } from "../../src/core/message.ts";
import { calls } from "../../src/core/topics.ts";
import { received } from "../channel_contract.ts";
import { type FakeBotApi, openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openTestHost, type TestHost } from "../plugins/host_room.ts";

interface Setup extends AsyncDisposable {
  readonly api: FakeBotApi;
  readonly room: TestHost;
}

/** A bot on a fake Bot API, without waiting for it to be ready. */
async function applyBot(config: object = {}): Promise<Setup> {
  await using cleanup = new AsyncDisposableStack();
  const api = cleanup.use(await openFakeBotApi());
  const room = cleanup.use(await openTestHost(telegram));
  await room.host.apply([toInstance(api, config)]);
  const owned = cleanup.move();
  return { api, room, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A bot that is ready. */
async function openBot(config?: object): Promise<Setup> {
  const setup = await applyBot(config);
  await setup.room.logged("main", "plugin.ready");
  return setup;
}

function toInstance(api: FakeBotApi, config: object = {}) {
  const instance = telegram.config.parse({ token: api.token, api_root: `${api.url}/`, ...config });
  return { plugin: "telegram", instance: "main", config: instance };
}

function refusal(code: number, description: string, parameters: object = {}) {
  return { status: code, body: { ok: false, error_code: code, description, parameters } };
}

Deno.test("telegram confirms a batch with the next request and drops the offset when nothing is left", async () => {
  await using bot = await applyBot();
  const { api, room } = bot;
  const last = api.inject({ chat: 7, text: "one" });
  await api.drained(room.signal);
  api.inject({ chat: 7, text: "two" });
  await room.bus.nextEvent(() => room.bus.published.length === 2, room.signal);
  await api.drained(room.signal);
  const offsets = api.calls.filter(({ method }) => method === "getUpdates").map(({ payload }) => payload.offset);
  assert.equal(offsets[0], undefined);
  assert.ok(offsets.includes(last + 1));
});

Deno.test("telegram polls again after its connection was cut", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  await api.nextCall(({ method }) => method === "getUpdates", room.signal);
  api.killConnections();
  await room.log.nextEntry(({ event }) => event === "telegram.poll_failed", room.signal);
  assert.equal(room.host.status()[0]?.state, "degraded");
  api.inject({ chat: 7, text: "after the cut" });
  await api.drained(room.signal);
  assert.equal(room.host.status()[0]?.state, "ok");
});

Deno.test("telegram says that another program uses its token", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  await api.nextCall(({ method }) => method === "getUpdates", room.signal);
  const other = fetch(`${api.url}/bot${api.token}/getUpdates?timeout=50`);
  await room.log.nextEntry(({ event }) => event === "telegram.poll_failed", room.signal);
  assert.match(room.host.status()[0]?.reason ?? "", /409.*Another program uses this bot's token/);
  api.killConnections();
  await assert.rejects(other.then((response) => response.text()));
});

Deno.test("telegram passes over an update that it does not understand and goes on", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  api.inject({ update: { message: { message_id: "seven", chat: [] } } });
  api.inject({ update: { something_new: {} } });
  api.inject({ chat: 7, text: "fine" });
  await api.drained(room.signal);
  assert.deepEqual(received(room.bus.published).map(({ text }) => text), ["fine"]);
  const skipped = room.log.entries.filter(({ event }) => event === "telegram.update_skipped");
  assert.deepEqual(skipped.map(({ fields }) => [fields["reason"], fields["skipped"]]), [["not_understood", 1]]);
});

Deno.test("telegram gives up a message that the runtime refuses for good, and no other", async () => {
  await using bot = await applyBot();
  const { api, room } = bot;
  room.bus.refuseNext(new AppError("invalid", "no"));
  api.inject({ chat: 7, text: "poison" });
  api.inject({ chat: 7, text: "fine" });
  await api.drained(room.signal);
  assert.deepEqual(received(room.bus.published).map(({ text }) => text), ["fine"]);
});

Deno.test("telegram's start fails with the remedy when its token is refused", async () => {
  await using api = await openFakeBotApi();
  await using room = await openTestHost(telegram);
  await room.host.apply([toInstance(api, { token: "123:wrong" })]);
  const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.ended", room.signal);
  assert.equal(fields["reason"], "start_failed");
  assert.match(room.host.status()[0]?.reason ?? "", /401 Unauthorized.*token as @BotFather gives it/);
});

Deno.test("telegram's token stands in no log, status or error, whatever fails", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  const errors: string[] = [];
  const failing = async (work: Promise<unknown>) => {
    errors.push(await work.then(() => "nothing", (thrown) => `${thrown.message} ${JSON.stringify(thrown)}`));
  };
  const fileId = api.addFile(new Uint8Array(10), "photos/file_0.jpg");
  api.loseAnswer("sendMessage");
  await failing(room.send("main", "hello"));
  api.fail("sendMessage", { status: 502, body: "<html>" });
  await failing(room.send("main", "hello"));
  api.fail("getFile", { status: 200, body: { ok: true, result: { file_path: "photos/none.jpg" } } });
  const fetchFile = () => room.bus.request(calls.fetch("telegram", "main"), { ref: fileId, maxBytes: 100 }, room);
  await failing(fetchFile());
  await room.log.nextEntry(({ event }) => event === "plugin.ready", room.signal);
  await api[Symbol.asyncDispose]();
  await failing(room.send("main", "hello"));
  await failing(fetchFile());
  await room.log.nextEntry(({ event }) => event === "telegram.poll_failed", room.signal);
  assert.ok(!errors.includes("nothing"), errors.join("\n"));
  const seen = JSON.stringify([errors, room.log.entries, room.host.status(), room.host.instances()]);
  assert.ok(!seen.includes(api.token) && !seen.includes(encodeURIComponent(api.token)), seen);
});

Deno.test("telegram tells when it cannot know whether a message was sent", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  api.loseAnswer("sendMessage");
  const error = await rejectsWith("unavailable", room.send("main", "hello"));
  assert.equal(error.reason, "outcome_unknown");
  assert.equal(api.sent.length, 1);
});

Deno.test("telegram shows Markdown as formatting, and sends the bare words where that is refused", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  await room.send("main", "**a** < b");
  assert.equal(api.sent[0]?.text, "a < b");
  assert.deepEqual(api.sent[0]?.payload.entities, [{ type: "bold", offset: 0, length: 1 }]);
  api.fail("sendMessage", refusal(400, "Bad Request: can't parse entities: Unexpected end"));
  await room.send("main", "**c** < d");
  assert.equal(api.sent[1]?.text, "c < d");
  assert.equal(api.sent[1]?.payload.entities, undefined);
});

Deno.test("telegram sends Markdown as it is written where the config says so", async () => {
  await using bot = await openBot({ markdown: false });
  await bot.room.send("main", "**a**");
  assert.equal(bot.api.sent[0]?.text, "**a**");
});

Deno.test("telegram shows in a group what it answers to, in its topic, and only on the first part", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  const rest = { conversation: "-100", thread: "4", inReplyTo: ["11", "12:edit:1700000000.9"] };
  await room.send("main", "word ".repeat(1_000), rest);
  await room.send("main", "private", { conversation: "7", inReplyTo: ["13"] });
  assert.deepEqual(
    api.sent.map(({ payload }) => [payload.message_thread_id, payload.reply_parameters]),
    [[4, { message_id: 12, allow_sending_without_reply: true }], [4, undefined], [undefined, undefined]],
  );
});

Deno.test("telegram follows a group that became a supergroup, also after a restart", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  const moved = refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", {
    migrate_to_chat_id: -100200,
  });
  api.fail("sendMessage", moved);
  await room.send("main", "one", { conversation: "-200" });
  await room.host.apply([]);
  await room.host.apply([toInstance(api)]);
  await room.log.nextEntry(() => room.host.status()[0]?.state === "ok", room.signal);
  await room.send("main", "two", { conversation: "-200" });
  assert.deepEqual(api.sent.map(({ chatId }) => chatId), [-100200, -100200]);
});

Deno.test("telegram sends nothing twice under one key, also after a restart, and finds what it sent", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  const receipt = await room.send("main", "once", { key: "k" });
  await room.host.apply([]);
  await room.host.apply([toInstance(api)]);
  await room.log.nextEntry(() => room.host.status()[0]?.state === "ok", room.signal);
  assert.deepEqual(await room.send("main", "once", { key: "k" }), receipt);
  assert.equal(api.sent.length, 1);
  const find = (key: string) => room.bus.request(calls.find("telegram", "main"), { key }, room);
  assert.deepEqual([await find("k"), await find("other")], [{ receipt }, {}]);
});

Deno.test("telegram goes on with the next part of a long message after its worker was started again", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  const text = "word ".repeat(2_500).trim();
  api.fail("sendMessage", { ...refusal(500, "Internal Server Error"), after: 2 });
  await rejectsWith("unavailable", room.send("main", text, { key: "k" }));
  await room.host.apply([]);
  await room.host.apply([toInstance(api)]);
  await room.log.nextEntry(() => room.host.status()[0]?.state === "ok", room.signal);
  const { providerMessageIds } = await room.send("main", text, { key: "k" });
  assert.deepEqual(providerMessageIds, ["1", "2", "3", "4"]);
  assert.equal(api.sent.map((part) => part.text).join(" "), text);
});

Deno.test("telegram finishes what it is sending before it is closed", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  const held = api.hold("sendMessage");
  const sending = room.send("main", "hello");
  await held.arrived;
  const closed = room.host.apply([]);
  held.release();
  assert.deepEqual(await sending, { providerMessageIds: ["1"] });
  await closed;
});

Deno.test("telegram refuses a message of nothing and a conversation that is no chat", async () => {
  await using bot = await openBot();
  await rejectsWith("invalid", bot.room.send("main", " \n "));
  await rejectsWith("missing", bot.room.send("main", "hello", { conversation: "ana@example.com" }));
});

Deno.test("telegram sets its menu of commands", async () => {
  await using bot = await openBot({ commands: [{ command: "start", description: "Begin" }] });
  const { payload } = await bot.api.nextCall(({ method }) => method === "setMyCommands", bot.room.signal);
  assert.deepEqual(payload.commands, [{ command: "start", description: "Begin" }]);
});

Deno.test("telegram works without its menu of commands where that is refused", async () => {
  await using api = await openFakeBotApi();
  await using room = await openTestHost(telegram);
  api.fail("setMyCommands", refusal(400, "Bad Request: BOT_COMMAND_INVALID"));
  await room.host.apply([toInstance(api, { commands: [{ command: "start", description: "Begin" }] })]);
  await room.logged("main", "plugin.ready");
  assert.ok(room.log.entries.some(({ event }) => event === "telegram.commands_refused"));
});

const webhookConfig = { webhook: { public_url: "https://bots.example.com/webhooks/telegram/main", secret: "s3cret" } };

function webhookRequest(update: unknown, secret = "s3cret"): WebhookRequest {
  const body = typeof update === "string" ? update : JSON.stringify(update);
  return { method: "POST", headers: { "x-telegram-bot-api-secret-token": secret }, body };
}

function newUpdate(update_id: number, text: string) {
  const chat = { id: 7, type: "private" };
  return { update_id, message: { message_id: update_id, date: 1, chat, from: { id: 7, first_name: "Ana" }, text } };
}

Deno.test("telegram's webhook answers 200 only when the runtime has the update", async () => {
  await using bot = await openBot(webhookConfig);
  const { api, room } = bot;
  const ask = (request: WebhookRequest) => room.bus.request(calls.webhook("telegram", "main"), request, room);
  assert.equal(api.webhook?.url, webhookConfig.webhook.public_url);
  assert.equal(api.webhook?.secret_token, "s3cret");
  const resume = room.bus.pause();
  let answered = false;
  const first = ask(webhookRequest(newUpdate(1, "one"))).finally(() => answered = true);
  await room.bus.untilWaiting(1, room.signal);
  assert.equal(answered, false);
  resume();
  assert.equal((await first).status, 200);
  assert.equal((await ask(webhookRequest(newUpdate(1, "one")))).status, 200);
  assert.equal(room.bus.published.length, 1);
  room.bus.refuseNext(new AppError("unavailable", "the disk is full"));
  assert.equal((await ask(webhookRequest(newUpdate(2, "two")))).status, 503);
  assert.equal((await ask(webhookRequest(newUpdate(2, "two")))).status, 200);
  assert.equal(room.bus.published.length, 2);
  assert.ok(!api.calls.some(({ method }) => method === "getUpdates"));
});

Deno.test("telegram's webhook refuses who does not know the secret, and what is no update", async () => {
  await using bot = await openBot(webhookConfig);
  const { room } = bot;
  const statusOf = async (request: WebhookRequest) =>
    (await room.bus.request(calls.webhook("telegram", "main"), request, room)).status;
  assert.equal(await statusOf(webhookRequest(newUpdate(1, "x"), "guess")), 401);
  assert.equal(await statusOf({ ...webhookRequest(newUpdate(1, "x")), headers: {} }), 401);
  assert.equal(await statusOf({ ...webhookRequest(newUpdate(1, "x")), method: "GET" }), 405);
  assert.equal(await statusOf(webhookRequest("{cut off")), 400);
  assert.equal(await statusOf(webhookRequest({ update_id: 1, message: 5 })), 200);
  await room.host.stopReceiving();
  assert.equal(await statusOf(webhookRequest(newUpdate(1, "x"))), 503);
  assert.equal(room.bus.published.length, 0);
});

Deno.test("telegram without a webhook removes one that was set before, and answers none", async () => {
  await using bot = await openBot();
  const { api, room } = bot;
  assert.ok(api.calls.some(({ method }) => method === "deleteWebhook"));
  await rejectsWith("missing", room.bus.request(calls.webhook("telegram", "main"), webhookRequest({}), room));
});

Deno.test("telegram may reach the host of its API and nothing else", () => {
  const permissionsOf = (config: object) =>
    telegram.permissions(telegram.config.parse({ token: "t", ...config }), "/state");
  assert.deepEqual(permissionsOf({}), { net: ["api.telegram.org:443"], read: ["/state"], write: ["/state"] });
  assert.deepEqual(permissionsOf({ api_root: "http://127.0.0.1:8081" }).net, ["127.0.0.1:8081"]);
});

Deno.test("telegram's config takes what it gave out as JSON", () => {
  const config = telegram.config.parse({ token: "t", ...webhookConfig });
  const again = telegram.config.parse(JSON.parse(JSON.stringify(config)));
  assert.equal(JSON.stringify(again), JSON.stringify(config));
});
