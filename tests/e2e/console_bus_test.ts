import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { startNatsServer } from "../fixtures/nats_server.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBrokerFile, newPluginConfig } from "../nats/shared_config.ts";
import { eventually, newBlackBox } from "./black_box.ts";
import { openConsole } from "./console_page.ts";

const soon = () => AbortSignal.timeout(30_000);

Deno.test("dead letters are replayed in the browser: one, one with another text, and all that fit", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  const box = newBlackBox(nexo);
  const letters = async () => JSON.stringify(await box.get("/api/dead-letters"));
  telegram.fail("sendMessage", { status: 403, times: 4 });
  for (const chat of [1, 2, 3, 4]) telegram.inject({ chat, text: `question ${chat}` });
  await eventually(async () => (await letters()).split('"hop":"outbound"').length === 5, "four replies died");

  await using shown = await openConsole(nexo);
  await shown.go("bus/dead-letters");
  await shown.page.waitForSelector(".letter");
  await shown.page.locator(".letter:first-child a").click();
  await shown.says("What died");
  await shown.press("Replay", ".head");
  await shown.says("What is sent cannot be called back.", "dialog");
  await shown.press("Replay 1", "dialog");
  await telegram.nextSent(() => true, soon());
  await shown.says("1 dead letter replayed.");

  await shown.go("bus/dead-letters");
  await shown.page.locator(".letter:first-child a").click();
  await shown.page.locator("summary ::-p-text(Change the text)").click();
  await shown.page.locator("textarea").fill("We are sorry: tomorrow.");
  await shown.press("Send the changed text");
  await telegram.nextSent(({ text }) => text === "We are sorry: tomorrow.", soon());

  await shown.go("bus/dead-letters");
  await shown.page.locator("input[aria-label=Cause]").fill("blocked");
  await shown.page.keyboard.press("Enter");
  await shown.press("Replay all that fit");
  await shown.says("Replay 2 dead letters?", "dialog");
  await shown.press("Replay 2", "dialog");
  await eventually(() => Promise.resolve(telegram.sent.length === 4), "all went out");
  await shown.says("2 dead letters replayed.");
  await shown.says("No dead letter fits.");
  assert.deepEqual(shown.faults(), []);
});

Deno.test("a purge says how many letters go, can be undone, and new letters wait until they are asked for", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await model.setRules([{ when: "poor", act: "status", status: 400 }]);
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  for (const chat of [1, 2]) telegram.inject({ chat, text: "poor" });
  await eventually(async () => await newBlackBox(nexo).metric("nexo_dead_letters_total") === 2, "two letters");
  await using shown = await openConsole(nexo);
  await shown.go("bus/dead-letters");
  await shown.says("Choose the 2 shown");
  await shown.page.locator(".bulk input[type=checkbox]").click();
  await shown.press("Purge 2 chosen");
  await shown.says("For ten minutes this can be undone", "dialog");
  await shown.press("Cancel", "dialog");
  await shown.press("Purge 2 chosen");
  await shown.press("Purge 2", "dialog");
  await shown.says("Nothing is dead.");
  await shown.press("Undo");
  await shown.says("2 dead letters brought back.");
  await shown.says("Choose the 2 shown");

  telegram.inject({ chat: 3, text: "poor" });
  await shown.press("Show 1 new dead letter");
  await shown.says("Choose the 3 shown");
  assert.deepEqual(shown.faults(), []);
});

Deno.test("the Bus page shows what goes over it, NATS that goes and comes back, and what drains then", async () => {
  await using telegram = await openFakeBotApi();
  await using server = await startNatsServer();
  await using nexo = await startNexo({ config: newPluginConfig(server.url, telegram) });
  await using shown = await openConsole(nexo);
  await shown.go("bus");
  await shown.says("NATS is up since");
  await server.kill();
  await shown.says("NATS is away since");
  telegram.inject({ chat: 1, text: "is somebody there?" });
  await shown.says("1 event waits on disk. They go out in order as soon as NATS is back");
  await shown.says("plugin.inbound.telegram.main", "table");
  await shown.go("overview");
  await shown.says("NATS is away", ".node");
  await shown.says("bus:", ".need");
  await server.start();
  await shown.says("NATS", ".node:not(.warn)");
  await shown.go("bus");
  await shown.says("No event waits on disk.");
  assert.deepEqual(shown.faults(), []);
});

Deno.test("the Bus page works with both buses, and counts what one question moves", async () => {
  await using model = openFakeModel();
  await using server = await startNatsServer();
  for (const broker of [{}, newBrokerFile(server.url)]) {
    await using nexo = await startNexo({ config: { ...newTestConfig({ modelUrl: model.baseUrl }), ...broker } });
    const box = newBlackBox(nexo);
    await box.chat({ text: "hello" });
    await nexo.idle();
    const text = JSON.stringify(await box.get("/api/bus"));
    assert.match(text, /"subject":"plugin\.inbound\.api\.ana","came":1,"went":1,"cameLastMinute":1/);
    assert.match(text, /"name":"agents\.inbound","pattern":"plugin\.inbound\.\*\.\*","waiting":0,"oldestSeconds":0/);
  }
});
