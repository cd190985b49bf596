import assert from "node:assert/strict";
import { openConsoleWorld } from "../fixtures/console_world.ts";

Deno.test("an operator sees why an agent is as it is, undoes what it wrote, and makes it forget", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const show = (address: string) => page.goto(new URL(`#/${address}`, world.nexo.admin).href);

  await show("agents");
  await page.locator("a[href='#/agents/ana']").click();
  await page.waitForSelector("::-p-text(budget.daily_usd)");
  await page.waitForSelector("a ::-p-text(agents.yaml:)");
  await page.waitForSelector("::-p-text(% of $2.00)");
  await page.locator("a[href='#/agents/ana/tools']").click();
  await page.waitForSelector("strong ::-p-text(workspace_write)");

  await page.locator("a[href='#/agents/ana/files']").click();
  await page.locator("summary ::-p-text(opening-hours.md)").click();
  await page.waitForSelector("pre ::-p-text(Saturday 9 to 14)");
  await page.locator("summary ::-p-text(The shop opens earlier)").click();
  await page.waitForSelector("ins ::-p-text(+# Opening hours)");
  await page.locator("button ::-p-text(Undo this change)").click();
  await page.locator("dialog button[value=yes]").click();
  await page.waitForSelector("[role=status] ::-p-text(Undone)");
  await page.waitForSelector("::-p-text(The workspace is empty)");

  await page.locator("a[href='#/agents/ana/memory']").click();
  await page.locator("input[name=words]").fill("nuts");
  await page.keyboard.press("Enter");
  await page.waitForFunction("document.querySelector('.fact')?.textContent.startsWith('Omar')");
  await page.locator("button[aria-label^='Forget: Omar is allergic']").click();
  await page.locator("dialog button[value=yes]").click();
  const told = await page.waitForSelector("main [role=status]:not(:empty), main [role=alert]");
  assert.equal(await told?.evaluate((one) => one.textContent), "Forgotten.");
  await page.locator("input[name=words]").fill("");
  await page.keyboard.press("Enter");
  await page.waitForSelector("::-p-text(oat milk)");
  assert.equal(await page.$("::-p-text(allergic)"), null);

  await show("audit");
  await page.waitForSelector("::-p-text(workspace.reverted)");
  await page.waitForSelector("::-p-text(memory.forgotten)");
  assert.deepEqual(faults, []);
});

Deno.test("an operator takes a changed MCP tool, and lets an extension run with the token entered again", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  await page.goto(new URL("#/tools", world.nexo.admin).href);
  await page.waitForSelector("pre ::-p-text(Does price, and mails it)");
  await page.locator("button ::-p-text(Accept 1 tool)").click();
  await page.waitForSelector("[role=status] ::-p-text(1 tool of shop accepted)");

  await page.locator("summary ::-p-text(calculator)").click();
  await page.waitForSelector("details[open] ::-p-text(What it asks for)");
  await page.locator("details[open] input[type=password]").fill("not the token");
  await page.locator("button ::-p-text(Enable calculator)").click();
  await page.waitForSelector("[role=alert] ::-p-text(enter the token once more)");
  await page.locator("details[open] input[type=password]").fill(world.nexo.token);
  await page.locator("button ::-p-text(Enable calculator)").click();
  await page.waitForSelector("[role=status] ::-p-text(calculator is enabled)");
  await page.waitForSelector("button ::-p-text(Disable)");
  assert.deepEqual(faults.filter((fault) => !fault.includes("403")), [], "a refused request is no fault of the page");
});
