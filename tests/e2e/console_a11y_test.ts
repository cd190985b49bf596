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

Deno.test("no page has a serious fault of accessibility, in light or dark, and none says an error", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const found: string[] = [];
  for (const theme of ["light", "dark"]) {
    await page.evaluate((theme) => localStorage.setItem("nexo.theme", theme), theme);
    for (const [name, address] of await world.pages()) {
      await page.goto(`${world.nexo.admin}/#/${address}`);
      await page.reload();
      await page.waitForSelector("main h1");
      await page.waitForSelector("main .list, main .card, main textarea, main .bubble");
      await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
      await page.evaluate(axe.source);
      const { violations } = resultSchema.parse(
        await page.evaluate("axe.run(document, { resultTypes: ['violations'] })"),
      );
      for (const { id, impact, nodes } of violations) {
        if (impact !== "serious" && impact !== "critical") continue;
        found.push(`${name}, ${theme}: ${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
      }
    }
  }
  assert.deepEqual(found, []);
  assert.deepEqual(faults, []);
});
