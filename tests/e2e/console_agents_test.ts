import assert from "node:assert/strict";
import { openConsoleWorld } from "../fixtures/console_world.ts";
import { write } from "./console_page.ts";

Deno.test("an operator sees why an agent is as it is, undoes what it wrote, and makes it forget", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const show = (address: string) => page.goto(new URL(`#/${address}`, world.nexo.admin).href);

  await show("agents");
  await page.locator("a[href='#/agents/ana']").click();
  await page.waitForSelector("::-p-text(budget.daily_usd)");
  await page.waitForSelector("a ::-p-text(agents.yaml:)");
  await page.waitForSelector("::-p-text(% of $2.00)");
  await page.locator("main select").fill("telegram.cafe");
  await page.waitForSelector("::-p-text(by the binding,)");
  await page.waitForSelector(".setting ::-p-text(allow_from)");
  await page.waitForSelector("a.session ::-p-text(telegram.cafe)");
  await page.locator("a[href='#/agents/ana/tools']").click();
  await page.waitForSelector("strong ::-p-text(workspace_write)");

  await page.locator("a[href='#/agents/ana/files']").click();
  await page.locator("summary ::-p-text(opening-hours.md)").click();
  await page.waitForSelector("pre ::-p-text(Saturday 9 to 14)");
  await page.locator("button ::-p-text(Edit)").click();
  const draft = "# Opening hours\n\nMonday to Friday 8 to 18, Sunday 9 to 14.\n";
  await write(page, "textarea.code", draft);
  await page.locator("input[aria-label^='Why']").fill("Sunday, not Saturday");
  await page.locator("button[type=submit] ::-p-text(Save)").click();
  await page.waitForSelector("[role=status] ::-p-text(is saved)");
  await page.waitForSelector("pre ::-p-text(Sunday 9 to 14)");
  await page.locator("summary ::-p-text(Sunday, not Saturday)").click();
  await page.waitForSelector("ins ::-p-text(Sunday 9 to 14)");
  await page.waitForSelector("summary .soft ::-p-text(operator)");
  await page.locator("button ::-p-text(Undo this change)").click();
  await page.locator("dialog button[value=yes]").click();
  await page.waitForSelector("[role=status] ::-p-text(Undone: “Sunday, not Saturday”)");
  await page.locator("summary ::-p-text(The shop opens earlier)").click();
  await page.waitForSelector("ins ::-p-text(+# Opening hours)");
  await page.locator("section details:last-of-type button ::-p-text(Undo this change)").click();
  await page.locator("dialog button[value=yes]").click();
  await page.waitForSelector("[role=status] ::-p-text(Undone: “The shop opens earlier)");
  await page.waitForSelector("::-p-text(The workspace is empty)");

  await page.locator("a[href='#/agents/ana/memory']").click();
  await page.locator("input[name=words]").fill("nuts");
  await page.keyboard.press("Enter");
  await page.waitForFunction("document.querySelector('.fact')?.textContent.startsWith('Omar')");
  await page.locator("button[aria-label^='Forget: Omar is allergic']").click();
  await page.waitForSelector("[role=status] ::-p-text(not recalled any more)");
  await page.waitForFunction("!document.querySelector('main').textContent.includes('Omar is allergic')");
  await page.locator("[role=status] button ::-p-text(Undo)").click();
  await page.waitForSelector("[role=status] ::-p-text(Undone.)");
  await page.locator("button[aria-label^='Forget: Omar is allergic']").click();
  await page.waitForFunction("!document.querySelector('main').textContent.includes('Omar is allergic')");
  await page.locator("input[name=words]").fill("");
  await page.locator("button ::-p-text(Search)").click();
  await page.waitForSelector("::-p-text(oat milk)");
  assert.equal(await page.$(".fact ::-p-text(allergic)"), null);
  await page.locator("input[type=checkbox]").click();
  await page.locator("button[aria-label^='Delete for good: Omar is allergic']").click();
  await page.locator("dialog button[value=yes]").click();
  await page.waitForSelector("[role=status] ::-p-text(Deleted for good.)");
  await page.waitForFunction("!document.querySelector('main').textContent.includes('allergic')");

  await show("audit");
  await page.waitForSelector("::-p-text(workspace.reverted)");
  await page.waitForSelector("::-p-text(workspace.edited)");
  await page.waitForSelector("::-p-text(memory.weighed)");
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

Deno.test("what the agent wrote meanwhile is shown to who edits the same file, and not lost", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  await page.goto(new URL("#/agents/ana/files", world.nexo.admin).href);
  await page.locator("summary ::-p-text(opening-hours.md)").click();
  await page.locator("button ::-p-text(Edit)").click();
  await write(page, "textarea.code", "# Opening hours\n\nNever on Sundays.\n");
  const path = "notes/opening-hours.md";
  const root = `${world.nexo.admin}/api/agents/ana/workspace`;
  const headers = { authorization: `Bearer ${world.nexo.token}`, "content-type": "application/json" };
  const read = async () => await (await fetch(`${root}/file?path=${path}`, { headers })).json();
  const { version } = await read();
  const body = JSON.stringify({ path, base: version, text: "# Opening hours\n\nAlways.\n" });
  const changed = await fetch(`${root}/change`, { method: "POST", headers, body });
  assert.equal(changed.status, 200, await changed.text());

  await page.locator("button[type=submit] ::-p-text(Save)").click();
  await page.waitForSelector("[role=alert] ::-p-text(was changed meanwhile)");
  await page.waitForSelector("del ::-p-text(-Always.)");
  await page.waitForSelector("ins ::-p-text(+Never on Sundays.)");
  assert.match((await read()).text, /Always/);
  await page.locator("button ::-p-text(Save mine over it)").click();
  await page.waitForSelector("[role=status] ::-p-text(is saved)");
  assert.match((await read()).text, /Never on Sundays/);
  assert.deepEqual(faults.filter((fault) => !fault.includes("409")), [], "a refused request is no fault of the page");
});

Deno.test("an operator corrects a fact, and the agent recalls it corrected", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const show = (address: string) => page.goto(new URL(`#/${address}`, world.nexo.admin).href);
  await show("agents/ana/memory");
  await page.locator("button[aria-label^='Edit: Eva takes her coffee']").click();
  await write(page, "textarea[aria-label='The fact']", "Eva takes her coffee with hazelnut milk");
  await page.locator("form select").fill("everyone");
  await page.locator("button[type=submit] ::-p-text(Save)").click();
  await page.waitForSelector("[role=status] ::-p-text(What stood there before is kept)");
  await page.waitForSelector(".fact ::-p-text(written by the operator)");
  await page.locator("button ::-p-text(Add a fact)").click();
  await write(page, "textarea[aria-label='The fact']", "Deliveries of coffee come on Tuesdays");
  await page.locator("button[type=submit] ::-p-text(Add)").click();
  await page.waitForSelector("[role=status] ::-p-text(Added.)");

  await show("chat/ana");
  await write(page, "textarea", "What do you know about coffee?");
  await page.keyboard.press("Enter");
  await page.locator("summary ::-p-text(recall)").click();
  await page.waitForSelector("details[open] ::-p-text(hazelnut milk)");
  await page.waitForSelector("details[open] ::-p-text(come on Tuesdays)");
  assert.deepEqual(faults, []);
});
