import axe from "axe-core";
import assert from "node:assert/strict";
import { z } from "zod";
import { openConsoleWorld } from "../fixtures/console_world.ts";

const resultSchema = z.object({
  violations: z.array(z.object({
    id: z.string(),
    impact: z.string().nullable(),
    nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
  })),
});

/** Each theme at one width: a theme is colours, a width is the order of things. */
const views = [["dark", 1180], ["light", 390]] as const;

/** Dialogs: where each is, and what opens it. */
const dialogs = [
  ["overview", "button ::-p-text(Keys)"],
  ["bus/dead-letters", ".bulk .danger"],
  ["channels", ".person .danger"],
  ["access", ".danger ::-p-text(Log out everywhere)"],
] as const;

Deno.test("no page and no dialog has a serious fault of accessibility, and none says an error", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const found: string[] = [];
  const look = async (what: string) => {
    await page.evaluate(axe.source);
    const { violations } = resultSchema.parse(
      await page.evaluate("axe.run(document, { resultTypes: ['violations'] })"),
    );
    for (const { id, impact, nodes } of violations) {
      if (impact !== "serious" && impact !== "critical") continue;
      found.push(`${what}: ${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
    }
  };
  for (const [theme, width] of views) {
    await page.setViewport({ width, height: 780 });
    await page.evaluate((theme) => localStorage.setItem("nexo.theme", theme), theme);
    for (const [name, address] of await world.pages()) {
      await page.goto(`${world.nexo.admin}/#/${address}`);
      await page.reload();
      await page.waitForSelector("main h1");
      await page.waitForSelector("main .list, main .card, main textarea, main .bubble");
      await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
      await look(`${name}, ${theme}, ${width} px`);
      const wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (Number(wider) > 0) found.push(`${name}, ${theme}: ${wider} px wider than ${width}`);
    }
    if (width < 500) continue;
    for (const [address, opener] of dialogs) {
      await page.goto(`${world.nexo.admin}/#/${address}`);
      await page.locator(opener).click();
      await page.waitForSelector("dialog[open]");
      await look(`dialog of ${address}, ${theme}`);
      await page.keyboard.press("Escape");
      await page.waitForFunction("document.querySelector('dialog[open]') === null");
      const focused = await page.evaluate("document.activeElement.textContent");
      assert.match(String(focused), /Keys|Purge all|Deny|Log out everywhere/, `the focus is back on ${address}`);
    }
  }
  assert.deepEqual(found, []);
  assert.deepEqual(faults, []);
});
