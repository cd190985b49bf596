import assert from "node:assert/strict";
import { auditAnswerSchema } from "../../src/http/audit_api.ts";
import { channelsAnswerSchema } from "../../src/http/channels_api.ts";
import { pairingsAnswerSchema, pairingViewSchema } from "../../src/http/people_api.ts";
import { newMail, openMailServers } from "../email/mail_room.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openBrowser } from "../fixtures/browser.ts";
import { type FakeBotApi, openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { type FakeModel, openFakeModel } from "../fixtures/fake_model.ts";
import { openFakeWhatsApp } from "../fixtures/fake_whatsapp.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { alice, linkFolder, toConfig } from "../whatsapp/room.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(30_000);
const codeOf = (text: string) => /\b[A-Z2-9]{8}\b/.exec(text)?.[0] ?? "no code";

function newConfig(model: FakeModel, telegram: FakeBotApi, binding: Readonly<Record<string, unknown>> = {}) {
  const agent = { inbound_bindings: [{ plugin: "telegram", instance: "main", ...binding }] };
  return newTestConfig({ modelUrl: model.baseUrl, telegram, agent });
}

async function list(nexo: NexoProcess, query = "") {
  return pairingsAnswerSchema.parse(await newBlackBox(nexo).get(`/api/pairings${query}`)).items;
}

async function countModelCalls(model: FakeModel): Promise<number> {
  return (await model.requests()).length;
}

Deno.test("a stranger on Telegram is let in, out and in again from the terminal, also while nothing runs", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const config = newConfig(model, telegram);
  const photo = telegram.addFile(Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10]), "photos/1.png");
  const pair = (...args: string[]) => runAgent(["pair", ...args, "--data", data.path]);
  const showsPhoto = { caption: "look", photo: [{ file_id: photo, file_size: 8 }] };
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    telegram.inject({ chat: 7, extra: showsPhoto });
    const offer = await telegram.nextSent(({ chatId }) => chatId === 7, soon());
    telegram.inject({ chat: 7, text: "hello?" });
    await telegram.drained(soon());
    await nexo.idle();
    assert.equal(telegram.sent.length, 1);
    assert.equal(await countModelCalls(model), 0);
    assert.equal(telegram.calls.filter(({ method }) => method === "getFile" || method === "sendChatAction").length, 0);
    const listed = await pair("list");
    assert.match(listed.stdout, new RegExp(`pending +${codeOf(offer.text)} +telegram\\.main +ana +7 `));
    const approved = await pair("approve", codeOf(offer.text).toLowerCase());
    assert.deepEqual(
      [approved.code, approved.stdout],
      [0, "telegram.main 7 (P7 @user_7) is approved.\n"],
      approved.stderr,
    );
    telegram.inject({ chat: 7, extra: showsPhoto });
    await telegram.nextSent(({ text }) => text.includes("look"), soon());
    assert.ok(telegram.calls.some(({ method }) => method === "getFile"));
    assert.equal(await countModelCalls(model), 1);
    const again = await pair("approve", codeOf(offer.text));
    assert.equal(again.code, 4);
    assert.match(again.stderr, /Nobody waits with this code/);
  }
  const [person] = pairingsAnswerSchema.parse(JSON.parse((await pair("list", "--json")).stdout)).items;
  const revoked = await pair("revoke", String(person?.id), "--json");
  assert.equal(pairingViewSchema.parse(JSON.parse(revoked.stdout)).state, "revoked", revoked.stderr);
  assert.equal((await pair("revoke", String(person?.id))).code, 5);
  assert.equal((await pair("revoke", "99")).code, 4);
  assert.match((await pair("list", "--state", "revoked")).stdout, /revoked .*cli/);
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    telegram.inject({ chat: 7, text: "still there?" });
    assert.equal((await nexo.nextLog("message.refused")).reason, "sender_revoked");
    assert.equal((await pair("approve", String(person?.id))).code, 0);
    telegram.inject({ chat: 7, text: "and now?" });
    await telegram.nextSent(({ text }) => text.includes("and now?"), soon());
    const { items } = auditAnswerSchema.parse(await newBlackBox(nexo).get("/api/audit"));
    assert.deepEqual(items.toReversed().map(({ actor, action, target }) => [actor, action, target]), [
      ["gate", "pairing.code_given", "telegram.main 7"],
      ["cli", "pairing.approved", "telegram.main 7"],
      ["cli", "pairing.wrong_code", ""],
      ["cli", "pairing.revoked", "telegram.main 7"],
      ["cli", "pairing.approved", "telegram.main 7"],
    ]);
  }
  assert.equal(telegram.sent.length, 3);
});

Deno.test("fifty strangers get a code each, and an operator lets one in and denies one in the console", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newConfig(model, telegram) });
  const box = newBlackBox(nexo);
  for (let chat = 1; chat <= 50; chat++) telegram.inject({ chat, text: "hello" });
  for (let chat = 1; chat <= 50; chat++) await telegram.nextSent(({ chatId }) => chatId === chat, soon());
  assert.equal(new Set(telegram.sent.map(({ text }) => codeOf(text))).size, 50);
  const evil = "<img src=x onerror=alert(1)>";
  telegram.inject({
    chat: 51,
    text: "hello",
    extra: { from: { id: 51, is_bot: false, first_name: evil } },
  });
  const offer = await telegram.nextSent(({ chatId }) => chatId === 51, soon());
  await using browser = await openBrowser();
  const { page, faults } = await browser.newPage();
  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(Needs you)");
  await page.goto(new URL("#/channels", nexo.admin).href);
  await page.waitForSelector(`.person ::-p-text(${codeOf(offer.text)})`);
  assert.equal(await page.$("img[src=x]"), null, "what somebody calls themselves is text");
  await page.locator("input[aria-label=Code]").fill(codeOf(offer.text));
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(is approved.)");
  telegram.inject({ chat: 51, text: "me again" });
  await telegram.nextSent(({ text }) => text.includes("me again"), soon());
  const [newest] = await list(nexo, "?state=pending");
  await page.locator(".person button.danger ::-p-text(Deny)").click();
  await page.locator("dialog button.danger").click();
  await eventually(async () => (await list(nexo, "?state=denied")).length === 1, "somebody is denied");
  assert.equal((await list(nexo, "?state=denied"))[0]?.id, newest?.id);
  telegram.inject({ chat: Number(newest?.sender), text: "hello?" });
  await eventually(
    async () => await box.metric("nexo_refusals_total", 'reason="sender_denied"') === 1,
    "the denied one is refused",
  );
  assert.deepEqual(faults, []);
  const { items } = auditAnswerSchema.parse(await box.get("/api/audit?limit=3"));
  assert.deepEqual(items.map(({ actor, action }) => `${actor} ${action}`), [
    "root pairing.denied",
    "root pairing.approved",
    "root console.logged_in",
  ]);
  assert.equal(await box.metric("nexo_pairing_total", 'event="code_given"'), 51);
});

Deno.test("a stranger on WhatsApp is let in, and is the same person under the hidden number", async () => {
  await using model = openFakeModel();
  await using fake = openFakeWhatsApp();
  await using data = await openTempDir();
  await linkFolder(fake, `${data.path}/plugins/whatsapp/main`);
  await using nexo = await startNexo({
    config: {
      ...newTestConfig({
        modelUrl: model.baseUrl,
        agent: { inbound_bindings: [{ plugin: "whatsapp", instance: "main" }] },
      }),
      "plugins/whatsapp.yaml": { whatsapp: [{ instance: "main", ...toConfig(fake) }] },
    },
    dataDir: data.path,
  });
  await eventually(async () => {
    const { channels } = channelsAnswerSchema.parse(await newBlackBox(nexo).get("/api/channels"));
    return channels[0]?.state === "up";
  }, "it is connected");
  const imageMessage = { ...fake.addFile(Uint8Array.from([255, 216, 255, 224]), "image/jpeg"), caption: "see" };
  fake.inject({ from: alice, content: { imageMessage }, encrypted: true });
  const [offer] = await fake.untilSeen(1, soon());
  assert.equal(fake.downloads, 0);
  assert.deepEqual(fake.chatStates, []);
  await newBlackBox(nexo).post("/api/pairings/approve", { code: codeOf(offer?.text ?? "") });
  fake.inject({ from: alice, content: { imageMessage }, byLid: true, encrypted: true });
  const seen = await fake.untilSeen(2, soon());
  assert.match(seen[1]?.text ?? "", /see/);
  assert.ok(fake.downloads > 0);
  const [person] = await list(nexo);
  assert.deepEqual([person?.state, person?.sender], ["approved", `${alice}@s.whatsapp.net`]);
});

Deno.test("by mail only a verified stranger gets a code, and neither programs nor lists do", async () => {
  await using model = openFakeModel();
  await using servers = await openMailServers();
  const { imap, smtp } = servers;
  await using nexo = await startNexo({
    config: newTestConfig({
      modelUrl: model.baseUrl,
      email: servers.config({ backfill: 1_000, authserv_id: "mx.agents.test" }),
      agent: { inbound_bindings: [{ plugin: "email", instance: "main" }] },
    }),
  });
  const passed = ["Authentication-Results: mx.agents.test; dmarc=pass header.from=people.test; spf=pass"];
  const mails = [
    { from: "forged@people.test", headers: ["Authentication-Results: mx.agents.test; dmarc=fail; spf=fail"] },
    { from: "unknown@people.test", headers: ["Authentication-Results: mx.other.test; dmarc=pass"] },
    { from: "robot@people.test", headers: [...passed, "Auto-Submitted: auto-generated"] },
    { from: "list@people.test", headers: [...passed, "List-Id: <news.people.test>"] },
    { from: "eva@people.test", headers: passed, subject: "A question" },
    { from: "eva@people.test", headers: passed, subject: "Another question" },
  ];
  for (const [index, mail] of mails.entries()) imap.deliver(newMail({ id: `${index}@people.test`, ...mail }));
  const offer = await smtp.nextSent(() => true, soon());
  await eventually(
    async () => await newBlackBox(nexo).metric("nexo_refusals_total", 'reason="pairing_pending"') === 1,
    "the second mail is refused",
    30_000,
  );
  assert.deepEqual(smtp.sent.map(({ to }) => to), ["eva@people.test"]);
  assert.equal(offer.mail.subject, "Re: A question");
  assert.equal(offer.header("auto-submitted"), "auto-replied");
  assert.equal(await newBlackBox(nexo).metric("nexo_refusals_total", 'reason="sender_unverified"'), 2);
  await newBlackBox(nexo).post("/api/pairings/approve", { code: codeOf(offer.mail.text ?? "") });
  imap.deliver(newMail({ id: "9@people.test", from: "eva@people.test", headers: passed, text: "let me in" }));
  const answer = await smtp.nextSent(({ mail }) => mail.text?.includes("let me in") ?? false, soon());
  assert.equal(answer.to, "eva@people.test");
  assert.equal(smtp.sent.length, 2);
});
