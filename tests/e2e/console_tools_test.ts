import assert from "node:assert/strict";
import { openConsoleWorld } from "../fixtures/console_world.ts";
import { write } from "./console_page.ts";

Deno.test("an operator tries a tool by hand: with good input, with bad input, and with what it must not do", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const show = (address: string) => page.goto(new URL(`#/${address}`, world.nexo.admin).href);

  await show("tools");
  await page.locator("a[href='#/tools/calculate']").click();
  await page.locator("[name=expression]").fill("6*7");
  await page.locator("button ::-p-text(Run it)").click();
  await page.waitForSelector("pre ::-p-text(6*7 = 42)");
  await page.waitForSelector("dd ::-p-text(95 % within)");
  await page.locator("button ::-p-text(As JSON)").click();
  await write(page, "textarea.code", '{"expression": 5}');
  await page.locator("button ::-p-text(Run it)").click();
  await page.waitForSelector("::-p-text(Refused before it ran: the input does not fit)");
  await page.waitForSelector("pre ::-p-text(/expression must be string)");
  await write(page, "textarea.code", "{");
  await page.locator("button ::-p-text(Run it)").click();
  await page.waitForSelector("[role=alert] ::-p-text(This is no JSON)");
  await page.locator("a ::-p-text(Its timeline)").click();
  await page.waitForSelector(".timeline ::-p-text(calculate)");

  await show("tools/workspace_write");
  await page.locator("[name=path]").fill("SOUL.md");
  await page.locator("[name=content]").fill("Warm and brief.");
  await page.locator("[name=why]").fill("Tried by hand");
  await page.locator("button ::-p-text(Run it)").click();
  await page.locator(".token-again input").fill("not the token");
  await page.locator(".token-again button").click();
  await page.waitForSelector(
    "[role=alert] ::-p-text(workspace_write is marked as dangerous: enter the token once more)",
  );
  await page.locator("button ::-p-text(Run it)").click();
  await page.locator(".token-again input").fill(world.nexo.token);
  await page.locator(".token-again button").click();
  await page.waitForSelector("pre ::-p-text(Tried by hand)");

  await show("tools/mcp_shop_stock");
  await page.locator("button ::-p-text(Run it)").click();
  await page.waitForSelector("pre ::-p-text(12 bags <img src=x onerror=alert)");
  assert.equal(await page.$("img[src=x]"), null, "what strangers wrote is text");

  await show("audit");
  await page.waitForSelector("::-p-text(workspace_write as ana)");
  assert.deepEqual(faults.filter((fault) => !fault.includes("403")), [], "a refused request is no fault of the page");
});

Deno.test("what an MCP server asks waits on the page until the operator answers", async () => {
  await using world = await openConsoleWorld();
  const { page, faults } = await world.logIn();
  const headers = { authorization: `Bearer ${world.nexo.token}`, "content-type": "application/json" };
  const order = async () => {
    const body = JSON.stringify({ agent: "ana", input: { bags: 4 } });
    const response = await fetch(`${world.nexo.admin}/api/tools/mcp_shop_order/try`, { method: "POST", headers, body });
    return JSON.stringify(await response.json());
  };
  await page.goto(new URL("#/tools", world.nexo.admin).href);
  await page.waitForSelector("::-p-text(MCP servers)");
  const ordered = order();
  await page.waitForSelector("blockquote ::-p-text(Order 4 bags)");
  await page.locator("select[name=day]").fill("Tuesday");
  await page.locator("button ::-p-text(Answer)").click();
  await page.waitForSelector("[role=status] ::-p-text(Answered shop.)");
  assert.match(await ordered, /Ordered for Tuesday/);
  const refused = order();
  await page.locator("button ::-p-text(Say no)").click();
  assert.match(await refused, /Nothing was ordered/);
  await page.waitForFunction("!document.querySelector('blockquote')");
  assert.deepEqual(faults, []);
});
