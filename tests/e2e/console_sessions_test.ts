import assert from "node:assert/strict";
import { openConsoleWorld } from "../fixtures/console_world.ts";

Deno.test("sessions are found by channel, person and day; a call stands once in the transcript, which can be exported", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const titles = () => page.$$eval(".row.session strong", (rows) => rows.map((row) => row.textContent));
  const until = (count: number) =>
    page.waitForFunction(`document.querySelectorAll(".row.session").length === ${count}`);
  await page.goto(`${world.nexo.admin}/#/sessions`);
  await until(7);
  await page.select("select[aria-label=Channel]", "telegram.cafe");
  await until(4);
  await page.locator("input[aria-label=Person]").fill("502");
  await until(1);
  assert.deepEqual(await titles(), ["Before you suggest anything: I am allergic to nuts."]);
  await page.locator("input[aria-label=Person]").fill("telegram:501");
  await page.waitForSelector(".row.session ::-p-text(How much of a refund)");
  await page.$eval("input[type=date]", (field) => {
    field.value = "2020-01-01";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await until(1);
  await page.$$eval("input[type=date]", ([, field]) => {
    if (field === undefined) return;
    field.value = "2020-01-02";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await page.waitForSelector("::-p-text(No session matches.)");

  await page.goto(`${world.nexo.admin}/#/${(await world.pages()).get("transcript")}`);
  await page.waitForSelector(".bubble.turn ::-p-text(59.76)");
  assert.equal((await page.$$(".bubble.turn")).length, 1, "what was done in one turn stands together");
  const text = await page.$eval(".transcript", (one) => one.textContent ?? "");
  assert.equal(text.split("3 * 24.90 * 0.8").length - 1, 2, "the call once, in its input and in its result");
  const exported = await page.$eval("a[download$='.md']", (link) => link.href);
  const response = await fetch(exported, { headers: { authorization: `Bearer ${world.nexo.token}` } });
  assert.match(await response.text(), /Calls calculate/);
  assert.deepEqual(faults, []);
});

Deno.test("a turn leads to its log, and a line of the log to its turn", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  await page.goto(`${world.nexo.admin}/#/logs`);
  await page.waitForSelector(".log-row ::-p-text(llm.failed)");
  const all = (await page.$$(".log-row")).length;
  await page.evaluate(`[...document.querySelectorAll(".log-row")].find((row) => row.textContent.includes("llm.failed"))
    .querySelector("a[href^='#/logs/']").click()`);
  await page.waitForSelector(".following");
  await page.waitForFunction(`document.querySelectorAll(".log-row").length > 0 &&
    document.querySelectorAll(".log-row").length < ${all}`);
  const events = await page.$$eval(".log-row strong", (names) => names.map((name) => name.textContent).sort());
  assert.deepEqual(events, ["llm.failed", "turn.ended", "turn.failed"]);
  await page.locator(".following a[href^='#/turns/']").click();
  await page.waitForSelector(".timeline ::-p-text(Given up)");
  await page.locator("a ::-p-text(Follow its log)").click();
  await page.waitForSelector(".following");
  await page.goto(`${world.nexo.admin}/#/logs`);
  await page.locator("input[type=search]").fill("outbox kind=denied");
  await page.keyboard.press("Enter");
  await page.waitForFunction(`document.querySelectorAll(".log-row").length === 1`);
  await page.waitForSelector(".log-row ::-p-text(outbox.dead)");
  assert.deepEqual(faults, []);
});
