import assert from "node:assert/strict";
import { auditAnswerSchema } from "../../src/http/audit_api.ts";
import { channelTestAnswerSchema } from "../../src/http/channels_api.ts";
import { refusalSchema } from "../../src/http/refusal_api.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";
import { openConsole } from "./console_page.ts";

const soon = () => AbortSignal.timeout(30_000);

Deno.test("an operator lets somebody in, sends a test message and restarts a channel in the browser", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  const agent = { inbound_bindings: [{ plugin: "telegram", instance: "main", allow_from: ["9"] }] };
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram, agent }) });
  await using shown = await openConsole(nexo);
  await shown.go("channels");
  await shown.says("telegram.main");
  await shown.says("up", ".channel .pill");

  telegram.inject({ chat: 7, text: "may I?" });
  await telegram.nextSent(({ chatId }) => chatId === 7, soon());
  await shown.says("pending", ".person");
  await shown.press("Let in", ".person");
  await shown.says("approved", ".person");
  telegram.inject({ chat: 7, text: "and now?" });
  await telegram.nextSent(({ text }) => text.includes("answer to: and now?"), soon());

  await shown.page.locator("summary ::-p-text(Whom the config lets talk)").click();
  await shown.says("9 may talk. Others get a code");

  await shown.page.locator("summary ::-p-text(Send a test message)").click();
  await shown.page.waitForSelector("datalist option[value='7']");
  await shown.page.locator("input[aria-label='Conversation of telegram.main']").fill("7");
  await shown.page.locator("input[aria-label='Text of the test message']").fill("Is this channel well?");
  await shown.press("Send", ".channel form");
  const sent = await telegram.nextSent(({ text }) => text === "Is this channel well?", soon());
  await shown.says(`The provider's id of it: ${sent.messageId}`);

  await shown.press("Restart", ".doing");
  await shown.press("Restart", "dialog");
  await shown.says("telegram.main was started anew.");
  await shown.says("up", ".channel .pill");
  const { items } = auditAnswerSchema.parse(await newBlackBox(nexo).get("/api/audit"));
  const noted = items.map(({ action, target }) => `${action} ${target}`);
  for (const entry of ["channel.restarted telegram.main", "channel.tested telegram.main 7: sent"]) {
    assert.ok(noted.includes(entry), `${entry} is not among ${noted}`);
  }
  assert.deepEqual(shown.faults(), []);
});

Deno.test("a test message of one key is sent once, and what does not go out says why", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  const test = async (body: unknown) => await box.post("/api/channels/telegram/main/test", body);
  const send = async (body: unknown) => channelTestAnswerSchema.parse(await test(body));
  await eventually(async () => JSON.stringify(await box.get("/api/channels")).includes('"up"'), "the channel is up");
  const once = await send({ conversation: "7", text: "once", key: "k1" });
  assert.deepEqual(await send({ conversation: "7", text: "once", key: "k1" }), once);
  assert.deepEqual([once.state, once.providerMessageIds], ["sent", [String(telegram.sent[0]?.messageId)]]);
  assert.equal(telegram.sent.length, 1);

  telegram.fail("sendMessage", { status: 403 });
  const dead = await send({ conversation: "8" });
  assert.equal(dead.state, "dead");
  assert.match(dead.reason ?? "", /403/);
  assert.match(refusalSchema.parse(await test({ conversation: " " })).error.message, /name the conversation/);
  const unknown = refusalSchema.parse(await box.post("/api/channels/telegram/other/test", { conversation: "7" }));
  assert.match(unknown.error.message, /no channel telegram\.other. There are: telegram\.main/);
});

Deno.test("the terminal sends a test message too, and a channel that is down refuses it with its reason", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  const channels = (...args: string[]) => runAgent(["channels", ...args, "--data", nexo.dataDir]);
  await eventually(async () => JSON.stringify(await box.get("/api/channels")).includes('"up"'), "the channel is up");
  assert.match((await channels("list")).stdout, /telegram\.main +up/);
  const sent = await channels("test", "telegram.main", "7", "--text", "from the terminal");
  const id = telegram.sent[0]?.messageId;
  assert.deepEqual([sent.code, sent.stdout], [0, `Sent through telegram.main to 7. The provider's id of it: ${id}\n`]);
  assert.equal((await channels("test", "telegram.nobody", "7")).code, 4);

  telegram.fail("getMe", { status: 401, times: 1_000 });
  telegram.fail("getUpdates", { status: 401, times: 1_000 });
  assert.equal((await channels("restart", "telegram.main")).code, 0);
  await eventually(
    async () => JSON.stringify(await box.get("/api/channels")).includes('"down"'),
    "the channel is down",
  );
  const refused = await channels("test", "telegram.main", "7");
  assert.equal(refused.code, 6);
  assert.match(refused.stderr, /telegram\.main cannot send: .+/);
  assert.equal(telegram.sent.length, 1);
});
