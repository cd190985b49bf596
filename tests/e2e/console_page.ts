import type { Page } from "puppeteer-core";
import { openBrowser } from "../fixtures/browser.ts";
import type { NexoProcess } from "../fixtures/nexo_process.ts";

/** A browser in which somebody has logged in. */
export interface OpenConsole extends AsyncDisposable {
  readonly page: Page;
  /** What went wrong in it, but for requests that the process refused: those are told in words. */
  faults(): readonly string[];
  /** Goes to an address behind `#/`. */
  go(address: string): Promise<void>;
  /** Waits until `main` holds a text, without loading anything anew. */
  says(text: string, within?: string): Promise<void>;
  /** Clicks the button in `within` that says exactly `text`. */
  press(text: string, within?: string): Promise<void>;
}

/** Opens the console of a process in a real browser and logs in. */
export async function openConsole({ admin, token }: NexoProcess): Promise<OpenConsole> {
  await using opening = new AsyncDisposableStack();
  const browser = opening.use(await openBrowser());
  const { page, faults } = await browser.newPage();
  await page.goto(admin);
  await page.locator("input[type=password]").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav[aria-label=Pages]");
  const owned = opening.move();
  return {
    page,
    faults: () => faults.filter((fault) => !/status of (4|5)\d\d/.test(fault)),
    async go(address) {
      await page.goto(`${admin}/#/${address}`);
      await page.waitForSelector("main h1");
    },
    async says(text, within = "main") {
      const texts = `[...document.querySelectorAll(${JSON.stringify(within)})].map((one) => one.innerText)`;
      await page.waitForFunction(`${texts}.some((one) => one.includes(${JSON.stringify(text)}))`);
    },
    async press(text, within = "main") {
      await page.locator(`${within} button ::-p-text(${text})`).click();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Writes a text into a field in the place of what stands there, as a person does who selects all of it. A locator's `fill`
 * empties the field behind the page's back first, so that a page which is drawn in between puts the old text back.
 */
export async function write(page: Page, selector: string, text: string): Promise<void> {
  await page.waitForSelector(selector);
  await page.evaluate(`{
    const field = document.querySelector(${JSON.stringify(selector)});
    field.focus();
    field.select();
    document.execCommand("insertText", false, ${JSON.stringify(text)});
  }`);
}
