import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("one person who writes to two bots has two histories, also after a restart", async () => {
  await using model = openFakeModel();
  await using sales = await openFakeBotApi({ token: "1001:token-of-the-sales-bot" });
  await using support = await openFakeBotApi({ token: "1002:token-of-the-support-bot" });
  await using data = await openTempDir();
  const agent = (id: string, instance: string) => ({
    id,
    model: { provider: "fake", model: "fake-1" },
    inbound_bindings: [{ plugin: "telegram", instance, open: true }],
    config: { debounce_ms: 0 },
  });
  const config = {
    ...newTestConfig({ modelUrl: model.baseUrl }),
    "agents.yaml": { agents: [agent("ana", "sales"), agent("ben", "support")] },
    "plugins/telegram.yaml": {
      telegram: [
        { instance: "sales", token: sales.token, api_root: sales.url },
        { instance: "support", token: support.token, api_root: support.url },
      ],
    },
  };
  const lastMessages = async () => JSON.stringify((await model.requests()).at(-1)?.messages);
  {
    await using _nexo = await startNexo({ config, dataDir: data.path });
    sales.inject({ chat: 7, text: "my secret is plum" });
    await sales.nextSent(({ text }) => text.includes("plum"), soon());
    support.inject({ chat: 7, text: "what is my secret" });
    await support.nextSent(({ text }) => text.includes("what is"), soon());
    assert.doesNotMatch(await lastMessages(), /plum/);
  }
  await using _nexo = await startNexo({ config, dataDir: data.path });
  support.inject({ chat: 7, text: "and now" });
  await support.nextSent(({ text }) => text.includes("and now"), soon());
  assert.doesNotMatch(await lastMessages(), /plum/);
  assert.match(await lastMessages(), /what is my secret/);
  sales.inject({ chat: 7, text: "remind me" });
  await sales.nextSent(({ text }) => text.includes("remind me"), soon());
  assert.match(await lastMessages(), /plum/);
});

Deno.test("senders are allowed by number and by handle, all others are counted and hear nothing", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({
    config: newTestConfig({
      modelUrl: model.baseUrl,
      telegram,
      agent: {
        inbound_bindings: [{
          plugin: "telegram",
          instance: "main",
          allow_from: [11, "12", "@User_13"],
          pairing: false,
        }],
      },
    }),
  });
  const box = newBlackBox(nexo);
  for (const chat of [14, 11, 12, 13]) telegram.inject({ chat, text: `hello from ${chat}` });
  for (const chat of [11, 12, 13]) await telegram.nextSent(({ chatId }) => chatId === chat, soon());
  assert.equal((await nexo.nextLog("message.refused")).reason, "sender_not_allowed");
  await eventually(
    async () => await box.metric("nexo_refusals_total", 'reason="sender_not_allowed"') === 1,
    "the refusal is counted",
  );
  assert.deepEqual(telegram.sent.filter(({ chatId }) => chatId === 14), []);
  assert.equal(telegram.calls.filter(({ payload }) => payload.chat_id === 14).length, 0, "not even typing");
});

Deno.test("in a group the agent answers only who addresses it", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi({ username: "nexo_bot" });
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  telegram.inject({ chat: -5, from: 1, text: "just talking" });
  assert.equal((await nexo.nextLog("message.refused")).reason, "not_mentioned");
  const text = "@nexo_bot what about you";
  telegram.inject({ chat: -5, from: 2, text, extra: { entities: [{ type: "mention", offset: 0, length: 9 }] } });
  const answer = await telegram.nextSent(({ chatId }) => chatId === -5, soon());
  assert.match(answer.text, /what about you/);
  telegram.inject({
    chat: -5,
    from: 3,
    text: "thanks",
    extra: { reply_to_message: { message_id: answer.messageId, from: { id: 123456, is_bot: true } } },
  });
  await telegram.nextSent(({ text }) => text.includes("thanks"), soon());
  telegram.inject({
    chat: -5,
    from: 3,
    text: "/start@nexo_bot",
    extra: { entities: [{ type: "bot_command", offset: 0, length: 15 }] },
  });
  await telegram.nextSent(({ text }) => text.includes("/start"), soon());
  assert.equal(telegram.sent.length, 3);
});

Deno.test("a session that was silent longer than its time to live starts afresh", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl }),
      "memory.yaml": { short_term: { session_ttl: "4s", max_history_turns: 4 } },
    },
  });
  const box = newBlackBox(nexo);
  await box.chat({ user: "u", text: "first thing" });
  await box.chat({ user: "u", text: "second thing" });
  const second = JSON.stringify((await model.requests()).at(-1)?.messages);
  assert.match(second, /first thing/);
  // The session's age is a real clock's: the test has to let it pass.
  await new Promise((resolve) => setTimeout(resolve, 4_100));
  await box.chat({ user: "u", text: "third thing" });
  const third = JSON.stringify((await model.requests()).at(-1)?.messages);
  assert.doesNotMatch(third, /first thing|second thing/);
});

Deno.test("the model sees the newest messages only, as many as the window holds", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({ modelUrl: model.baseUrl }),
      "memory.yaml": { short_term: { max_history_turns: 4, compaction: { enabled: false } } },
    },
  });
  const box = newBlackBox(nexo);
  for (let index = 1; index <= 6; index++) await box.chat({ user: "u", text: `message ${index}.` });
  const messages = JSON.stringify((await model.requests()).at(-1)?.messages);
  assert.match(messages, /message 6\./);
  assert.match(messages, /message 5\./);
  assert.doesNotMatch(messages, /message [123]\./);
});

Deno.test("each binding has its own policy: tools, prompt and limits of one are not those of the other", async () => {
  await using model = openFakeModel();
  await using wide = await openFakeBotApi({ token: "1001:token-of-the-wide-bot" });
  await using narrow = await openFakeBotApi({ token: "1002:token-of-the-narrow-bot" });
  const binding = { plugin: "telegram", open: true };
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({
        modelUrl: model.baseUrl,
        agent: {
          allowed_tools: ["delegate"],
          allowed_delegates: ["*"],
          inbound_bindings: [
            { ...binding, instance: "wide" },
            {
              ...binding,
              instance: "narrow",
              allowed_tools: [],
              system_prompt_extra: "You speak to strangers.",
              sender_rate_limit: { rps: 0.001, burst: 2 },
            },
          ],
        },
      }),
      "agents.d/ben.yaml": { agents: [{ id: "ben" }] },
      "plugins/telegram.yaml": {
        telegram: [
          { instance: "wide", token: wide.token, api_root: wide.url },
          { instance: "narrow", token: narrow.token, api_root: narrow.url },
        ],
      },
    },
  });
  const box = newBlackBox(nexo);
  const lastRequest = async () => (await model.requests()).at(-1);
  wide.inject({ chat: 7, text: "wide one" });
  await wide.nextSent(({ text }) => text.includes("wide one"), soon());
  const first = await lastRequest();
  narrow.inject({ chat: 7, text: "narrow one" });
  await narrow.nextSent(({ text }) => text.includes("narrow one"), soon());
  const second = await lastRequest();
  assert.equal(second?.toolCount, (first?.toolCount ?? 0) - 1);
  assert.match(JSON.stringify(second?.messages), /You speak to strangers/);
  wide.inject({ chat: 7, text: "wide two" });
  await wide.nextSent(({ text }) => text.includes("wide two"), soon());
  assert.doesNotMatch(JSON.stringify((await lastRequest())?.messages), /strangers\.|narrow/);
  for (const text of ["narrow two", "narrow three"]) narrow.inject({ chat: 7, text });
  assert.equal((await nexo.nextLog("message.refused")).reason, "sender_rate");
  assert.equal(await box.metric("nexo_refusals_total", 'reason="sender_rate"'), 1);
  await narrow.nextSent(({ text }) => text.includes("narrow two"), soon());
  assert.equal(narrow.sent.length, 2);
});
