import assert from "node:assert/strict";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";

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

Deno.test("a config is edited in the console: faults are named and change nothing, a good text is applied and can be taken back", async () => {
  await using model = openFakeModel();
  await using folder = await openTempDir();
  const config = `${folder.path}/config`;
  await writeConfig(config, newTestConfig({ modelUrl: model.baseUrl }));
  await using nexo = await startNexo({ config });
  await using browser = await openBrowser();
  const { page, faults } = await browser.newPage();
  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(Needs you)");
  await page.goto(new URL("#/config/memory.yaml", nexo.admin).href);
  const write = (text: string) => page.locator("textarea.code").fill(text);
  await write("short_term: { max_history_turns: many }");
  await page.locator("button ::-p-text(Check)").click();
  await page.waitForSelector("[role=alert] ::-p-text(memory.yaml:1)");

  await write("short_term: { max_history_turns: 7 }");
  await page.locator("button ::-p-text(Check)").click();
  await page.waitForSelector("ins ::-p-text(max_history_turns: 7)");
  await page.locator("button ::-p-text(Apply)").click();
  await page.waitForSelector("[role=status] ::-p-text(Applied.)");
  assert.equal(await Deno.readTextFile(`${config}/memory.yaml`), "short_term: { max_history_turns: 7 }");

  await page.goto(new URL("#/config/mcp.yaml", nexo.admin).href);
  await page.waitForSelector("textarea[aria-label='Text of mcp.yaml']");
  await write("servers: {}");
  await page.locator("button ::-p-text(Check)").click();
  await page.locator("button ::-p-text(Apply)").click();
  await page.locator("form.card input[type=password]").fill("not the token");
  await page.locator("form.card button").click();
  await page.waitForSelector("[role=alert] ::-p-text(enter the token once more)");
  assert.deepEqual(faults.filter((fault) => !fault.includes("403")), [], "a refused request is no fault of the page");
});
