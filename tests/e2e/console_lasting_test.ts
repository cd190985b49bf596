import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";

Deno.test("what was typed and asked outlives the process, and every page goes on when the next one is there", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const env = { AGENT_ADMIN_ADDR: `127.0.0.1:${findFreePort()}` };
  const first = await startNexo({ config, dataDir: data.path, env });
  await using browser = await openBrowser();
  const chat = (await browser.newPage()).page;
  await logIn(chat, first);
  await chat.goto(`${first.admin}/#/chat/ana`);
  await chat.waitForSelector("main textarea");
  const other = (await browser.newPage()).page;
  await other.goto(`${first.admin}/#/config/agents.yaml`);
  await other.waitForSelector(".editor textarea");
  await other.type(".editor textarea", " # mine\n");

  await first[Symbol.asyncDispose]();
  await chat.bringToFront();
  await chat.waitForSelector("::-p-text(The process does not answer)");
  await chat.type("main textarea", "are you there?");
  await chat.keyboard.press("Enter");
  await chat.waitForSelector("::-p-text(Asking again)");
  await chat.type("main textarea", "half a sent");

  await using next = await startNexo({ config, dataDir: data.path, env });
  await chat.waitForSelector("dialog ::-p-text(Log in again)");
  await chat.keyboard.press("Escape");
  await chat.type("dialog input", "wrong");
  await chat.keyboard.press("Enter");
  await chat.waitForSelector("dialog .bad:not(:empty)");
  await chat.$eval("dialog input", (input) => input.value = "");
  await chat.type("dialog input", next.token);
  await chat.keyboard.press("Enter");
  await chat.waitForSelector("::-p-text(answer to: are you there?)");
  await chat.waitForSelector(".pulse.good");
  assert.equal(await chat.$eval("main textarea", ({ value }) => value), "half a sent");
  assert.equal((await chat.$$(".bubble.me")).length, 1, "it was sent once");

  await other.bringToFront();
  await other.waitForSelector(".pulse.good");
  assert.equal(await other.$("dialog[open]"), null, "the login of the other tab does");
  assert.match(await other.$eval(".editor textarea", ({ value }) => value), / # mine\n$/);
  await other.waitForSelector("::-p-text(No fault. Compare, then apply.)");
  await other.locator("nav a ::-p-text(Audit)").click();
  await other.waitForSelector("h1 ::-p-text(Audit)");
  await other.locator("nav a ::-p-text(Config)").click();
  await other.waitForSelector("::-p-text(What will change)");
  assert.match(await other.$eval(".editor textarea", ({ value }) => value), / # mine\n$/);
});

Deno.test("eight tabs are shown and answer, though a browser has six connections", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using browser = await openBrowser();
  const tabs: Page[] = [];
  for (let number = 0; number < 8; number++) {
    const { page } = await browser.newPage();
    if (number === 0) await logIn(page, nexo);
    await page.goto(`${nexo.admin}/#/${number % 2 === 0 ? "overview" : "logs"}`);
    await page.waitForSelector(number % 2 === 0 ? ".flow" : ".log-row");
    tabs.push(page);
  }
  const [first] = tabs;
  await first?.bringToFront();
  await first?.locator("nav a ::-p-text(Tools)").click();
  await first?.waitForSelector("main .tool-row");
});

async function logIn(page: Page, { admin, token }: NexoProcess): Promise<void> {
  await page.goto(admin);
  await page.type("input[type=password]", token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav[aria-label=Pages]");
}

/** The next process must be where the page looks for it. */
function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
