import assert from "node:assert/strict";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { openConsole } from "./console_page.ts";

// A page takes forty seconds to be sure of it.
Deno.test("a page that hears nothing says so, and goes on when the process does", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using desk = await openConsole(nexo);
  const { page } = desk;
  await desk.says("Yes.");
  nexo.kill("SIGSTOP");
  try {
    await page.waitForSelector(".pulse ::-p-text(The process does not answer)", { timeout: 60_000 });
    await desk.says("No. The process does not answer");
  } finally {
    nexo.kill("SIGCONT");
  }
  await page.waitForSelector(".pulse.good");
  await desk.says("Yes.");
  assert.deepEqual(desk.faults(), []);
});
