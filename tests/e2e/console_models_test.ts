import assert from "node:assert/strict";
import { openConsoleWorld } from "../fixtures/console_world.ts";

Deno.test("the models page draws times, money and tokens, says the same figures in tables, and shows the budgets", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.reload();
  await page.waitForSelector(".figures");
  assert.equal(asked.find((path) => path.includes("plot")), undefined, "charts are loaded by the page that shows one");
  await page.goto(`${world.nexo.admin}/#/models`);
  await page.waitForFunction("document.querySelectorAll('.chart canvas').length === 4");
  assert.ok(asked.includes("/console/plot.js") && asked.includes("/console/plot.css"));
  await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
  for (const text of ["local/corner-1, median", "Errors", "Money", "Tokens"]) {
    await page.waitForSelector(`.figure-table th ::-p-text(${text})`);
  }
  await page.waitForSelector(".figure-table td ::-p-text($0.0)");
  await page.select("select[aria-label='Told apart']", "agent");
  await page.waitForSelector(".figure-table th ::-p-text(ana)");
  await page.waitForSelector("meter[aria-label='ana, daily, usd']");
  await page.evaluate(`document.documentElement.dataset.theme = "dark"`);
  await page.waitForFunction("document.querySelectorAll('.chart canvas').length === 4");
  assert.deepEqual(faults, []);
});
