import assert from "node:assert/strict";
import { openConsoleWorld } from "../fixtures/console_world.ts";

Deno.test("a message that could not be sent goes out with another text, once", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const letter = (await world.pages()).get("dead-letter");
  const before = world.telegram.sent.length;
  await page.goto(`${world.nexo.admin}/#/${letter}`);
  await page.locator("summary ::-p-text(Change the text)").click();
  await page.locator("form.edit textarea").fill("It waits for you at the counter.");
  await page.locator("button ::-p-text(Send the changed text)").click();
  await page.waitForSelector("header ::-p-text(replayed)");
  const sent = await world.telegram.nextSent(({ chatId }) => chatId === 504, AbortSignal.timeout(60_000));
  assert.equal(sent.text, "It waits for you at the counter.");
  await page.goto(`${world.nexo.admin}/#/audit`);
  await page.waitForSelector("::-p-text(dead_letter.edited)");
  await world.nexo.idle();
  assert.equal(world.telegram.sent.length, before + 1);
  assert.deepEqual(faults, []);
});

Deno.test("an image is attached and sent, and the log waits while somebody reads further down", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  await page.goto(`${world.nexo.admin}/#/chat/ana`);
  const picker = await page.waitForSelector("input[type=file]") ?? assert.fail("there is no picker");
  const image = await Deno.makeTempFile({ suffix: ".svg" });
  try {
    await Deno.writeTextFile(image, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await picker.uploadFile(image);
    await page.waitForSelector(".thumbs img");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".bubble.me img");
    await page.waitForSelector(".bubble.turn footer");
  } finally {
    await Deno.remove(image);
  }

  await page.goto(`${world.nexo.admin}/#/logs`);
  await page.waitForSelector(".log-row");
  await page.setViewport({ width: 800, height: 200 });
  await page.evaluate("document.documentElement.scrollTop = 400");
  const shown = await page.$$eval(".log-row", (rows) => rows.length);
  world.telegram.inject({ chat: 501, text: "Where is my parcel?" });
  const fresh = await page.waitForSelector(".fresh") ?? assert.fail("nothing is said to be new");
  assert.equal(await page.$$eval(".log-row", (rows) => rows.length), shown);
  await fresh.click();
  await page.waitForFunction(`document.querySelectorAll(".log-row").length > ${shown}`);
  assert.deepEqual(faults, []);
});
