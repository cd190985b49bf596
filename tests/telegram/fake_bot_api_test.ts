import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";

async function call(api: { url: string; token: string }, method: string, payload: object = {}) {
  const response = await fetch(`${api.url}/bot${api.token}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(payload),
  });
  return { status: response.status, body: await response.json() };
}

Deno.test("fake bot api keeps an update until a higher offset confirms it", async () => {
  await using api = await openFakeBotApi();
  const first = api.inject({ chat: 7, text: "one" });
  const second = api.inject({ chat: 7, text: "two" });
  for (const _ of [1, 2]) {
    const { body } = await call(api, "getUpdates", { timeout: 0 });
    assert.deepEqual(body.result.map((update: { update_id: number }) => update.update_id), [first, second]);
  }
  const { body } = await call(api, "getUpdates", { offset: second });
  assert.equal(body.result[0].message.text, "two");
  assert.equal(api.confirmedOffset, second);
  assert.equal(api.pendingUpdates().length, 1);
});

Deno.test("fake bot api holds a long poll until an update comes and ends the older of two", async () => {
  await using api = await openFakeBotApi();
  const older = call(api, "getUpdates", { timeout: 50 });
  await api.nextCall((seen) => seen.method === "getUpdates", AbortSignal.timeout(60_000));
  const newer = call(api, "getUpdates", { timeout: 50 });
  assert.equal((await older).status, 409);
  api.inject({ chat: 7, text: "hello" });
  assert.equal((await newer).body.result.length, 1);
});

Deno.test("fake bot api cuts the answer of a message that it took", async () => {
  await using api = await openFakeBotApi();
  api.loseAnswer("sendMessage");
  await assert.rejects(call(api, "sendMessage", { chat_id: 7, text: "hi" }));
  assert.equal((await call(api, "sendMessage", { chat_id: 7, text: "again" })).status, 200);
  assert.deepEqual(api.sent.map((message) => message.text), ["hi", "again"]);
});

Deno.test("fake bot api cuts waiting polls and refuses with what the test wants", async () => {
  await using api = await openFakeBotApi();
  const poll = call(api, "getUpdates", { timeout: 50 });
  await api.nextCall((seen) => seen.method === "getUpdates", AbortSignal.timeout(60_000));
  api.killConnections();
  await assert.rejects(poll);
  api.fail("getMe", { status: 429, body: { ok: false, error_code: 429, parameters: { retry_after: 3 } }, times: 2 });
  assert.equal((await call(api, "getMe")).status, 429);
  assert.equal((await call(api, "getMe")).body.parameters.retry_after, 3);
  assert.equal((await call(api, "getMe")).status, 200);
});
