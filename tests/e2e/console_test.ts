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
