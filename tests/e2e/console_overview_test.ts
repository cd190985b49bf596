import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { openConsole } from "./console_page.ts";

const soon = () => AbortSignal.timeout(30_000);

Deno.test("a breaker opens and closes before one's eyes, on the overview and on the page of the models", async () => {
  await using model = openFakeModel();
  await model.setRules([{ act: "status", status: 500 }]);
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const box = newBlackBox(nexo);
  await using overview = await openConsole(nexo);
  await using models = await openConsole(nexo);
  await models.go("models");
  await overview.says("breaker closed", ".node");
  await overview.says("Nothing. Everything that was accepted is answered");
  await models.says("ready", ".model-row");
  const untouched = "globalThis.loadedOnce === true";
  for (const { page } of [overview, models]) await page.evaluate("globalThis.loadedOnce = true");

  await box.chat({ text: "one" });
  await box.chat({ text: "two" });
  await overview.says("breaker open", ".node.bad");
  await overview.says("llm.fake", ".need");
  await overview.says("agent doctor --live", ".need");
  await overview.says("The model provider fake fails and is paused", "section");
  await models.says("failed five times in a row", ".model-row");

  await model.setRules([]);
  // The breaker lets a probe through when its time has come: until then it answers that it is paused.
  for (let answered = 0; answered < 2;) {
    const { status } = await box.chat({ text: "and now?" });
    if (status === 200) answered++;
    else await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await overview.says("breaker closed", ".node");
  await overview.says("Yes.", "section");
  await models.says("ready", ".model-row");
  for (const { page } of [overview, models]) assert.equal(await page.evaluate(untouched), true, "loaded once");
  assert.deepEqual([...overview.faults(), ...models.faults()], []);
});

Deno.test("what happened with a message is found by the provider's id, by words, and by the keyboard", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  telegram.inject({ chat: 900, text: "where is my parcel", messageId: 4711 });
  const sent = await telegram.nextSent(({ text }) => text.includes("parcel"), soon());
  await nexo.idle();
  await using shown = await openConsole(nexo);
  const { page } = shown;
  const look = async (text: string) => {
    await shown.go("overview");
    await page.waitForSelector("form[role=search]");
    await page.keyboard.press("/");
    await page.keyboard.type(text);
    await page.keyboard.press("Enter");
  };
  const isTurn = () => page.waitForFunction("location.hash.startsWith('#/turns/')");
  await look("4711");
  await isTurn();
  await look(String(sent.messageId));
  await isTurn();
  await look("parcel");
  await shown.says("Said in a conversation", "a.row");
  await page.locator("a.row").click();
  await isTurn();
  await look("nobody wrote this");
  await shown.says("Nothing is known of it.");
  assert.deepEqual(shown.faults(), []);
});

Deno.test("the map reads as lists: every node says what it is connected with", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl, telegram }) });
  await using shown = await openConsole(nexo);
  const { page } = shown;
  await page.waitForSelector(".flow .node");
  const read = () => page.$$eval(".flow section", (all) => all.map((one) => one.textContent));
  const [channels = "", bus, agents, models] = await read();
  assert.match(channels ?? "", /^Channelstelegram\.main.*heard by ana/);
  assert.match(bus ?? "", /^Businside the process/);
  assert.match(agents ?? "", /^Agentsana.*asks fake\/fake-1/);
  assert.match(models ?? "", /^Modelsfake\/fake-1.*breaker closed/);
  await page.setViewport({ width: 390, height: 800 });
  assert.equal(await page.evaluate("document.documentElement.scrollWidth <= 390"), true, "nothing is cut off");
  assert.deepEqual(shown.faults(), []);
});
