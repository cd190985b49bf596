import assert from "node:assert/strict";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";

Deno.test("a person logs in, chats, sees a tool work, and finds the conversation again", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using browser = await openBrowser();
  const { page, faults } = await browser.newPage();

  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(Needs you)");
  await page.goto(new URL("#/chat", nexo.admin).href);
  await page.locator("textarea").fill('tool:calculate {"expression":"6*7"}');
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(tool said: 6*7 = 42)");
  await page.waitForSelector("summary ::-p-text(calculate)");
  await page.locator("textarea").fill("<img src=x onerror=alert(1)>");
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(answer to: <img src=x)");

  await page.goto(new URL("#/sessions", nexo.admin).href);
  await page.waitForSelector("::-p-text(tool:calculate)");
  assert.equal(await page.$("img[src=x]"), null, "what somebody wrote is text");
  for (const name of ["overview", "agents", "channels", "dead-letters", "models", "logs"]) {
    await page.goto(new URL(`#/${name}`, nexo.admin).href);
    await page.waitForSelector("h1");
  }
  assert.deepEqual(faults, []);
});

Deno.test("many tabs of the console are open in one browser, and each tells what is so when it is looked at", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using browser = await openBrowser();
  const tabs = [await browser.newPage()];
  const first = tabs[0]?.page;
  await first?.goto(nexo.admin);
  await first?.locator("input[type=password]").fill(nexo.token);
  await first?.keyboard.press("Enter");
  await first?.waitForSelector("::-p-text(Needs you)");
  // More streams than a browser opens to one place.
  for (const name of ["overview", "bus", "logs", "overview", "bus", "logs", "overview"]) {
    const tab = await browser.newPage();
    tabs.push(tab);
    await tab.page.goto(`${nexo.admin}/#/${name}`);
    await tab.page.waitForSelector("main h1");
  }
  await first?.bringToFront();
  await first?.goto(new URL("#/chat", nexo.admin).href);
  await first?.locator("textarea").fill("hello from the first tab");
  await first?.keyboard.press("Enter");
  await first?.waitForSelector("::-p-text(answer to: hello from the first tab)");
  const log = tabs[3]?.page;
  await log?.bringToFront();
  await log?.waitForSelector("::-p-text(turn.ended)");
  assert.deepEqual(tabs.flatMap(({ faults }) => faults), []);
});
