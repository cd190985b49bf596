// deno-lint-ignore-file no-console -- a command that reports to its terminal
import type { Page } from "puppeteer-core";
import { openConsoleWorld } from "../tests/fixtures/console_world.ts";

/** How each page is pictured. `name` ends the file's name. */
const views = [
  { name: "light", theme: "light", width: 1180, height: 760 },
  { name: "dark", theme: "dark", width: 1180, height: 760 },
  { name: "narrow", theme: "light", width: 390, height: 780 },
] as const;

const folder = new URL("../docs/images/console/", import.meta.url).pathname;

/** The turn that the chat page shows: what a visitor would ask first. */
async function chat(page: Page, admin: string): Promise<void> {
  await page.goto(`${admin}/#/chat/ana`);
  await page.locator("textarea").fill("How much of a refund do I get for three sets at 24.90 with 20 % off?");
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(59.76)");
  await page.waitForSelector("footer ::-p-text(timeline)");
}

/** Resolves when nothing has changed in the page for a while: its streams never let the network fall idle. */
const untilQuiet = `new Promise((resolve) => {
  let timer = setTimeout(resolve, 400);
  new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(resolve, 400);
  }).observe(document.body, { childList: true, subtree: true });
})`;

if (import.meta.main) {
  await Deno.mkdir(folder, { recursive: true });
  await using world = await openConsoleWorld();
  const { page } = await world.logIn();
  await chat(page, world.nexo.admin);
  const pages = await world.pages();
  const made = new Set<string>();
  for (const { name, theme, width, height } of views) {
    await page.setViewport({ width, height, deviceScaleFactor: 1 });
    await page.evaluate((theme) => localStorage.setItem("nexo.theme", theme), theme);
    for (const [file, address] of pages) {
      await page.goto(`${world.nexo.admin}/#/${address}`);
      await page.reload();
      await page.waitForSelector("main h1");
      await page.evaluate(untilQuiet);
      await page.screenshot({ path: `${folder}${file}-${name}.webp`, type: "webp", quality: 80 });
      made.add(`${file}-${name}.webp`);
    }
    console.log(`${pages.size} pages, ${name}`);
  }
  for await (const { name } of Deno.readDir(folder)) {
    if (made.has(name)) continue;
    await Deno.remove(`${folder}${name}`);
    console.log(`${name} is of a page that is no more: removed`);
  }
}
