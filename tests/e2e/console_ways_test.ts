import assert from "node:assert/strict";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { openConsole } from "./console_page.ts";

Deno.test("the keyboard, going back, odd addresses and what is new: nothing leads astray", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  const box = newBlackBox(nexo);
  const say = (user: string) => box.chat({ user, text: `hello of ${user}` });
  await say("one");
  await say("two");
  await using desk = await openConsole(nexo);
  const { page } = desk;
  const titleOf = () => page.$eval("main h1", (title) => title.textContent);

  await desk.go("logs");
  await page.$eval(".skip", (link) => link.focus());
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate("document.activeElement.id"), "main");
  assert.equal(await titleOf(), "Logs", "skipping the menu leaves the page where it is");
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForSelector("h1 ::-p-text(Sessions)");
  assert.equal(await page.evaluate("document.activeElement.id"), "main", "the next Tab is in the page");

  await page.keyboard.press("/");
  await page.keyboard.type("of one");
  await page.waitForFunction("document.querySelectorAll('main a.row').length === 1");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".bubble.turn");
  await page.goBack();
  await page.waitForFunction("document.querySelector('main [data-search]')?.value === 'of one'");
  await page.waitForFunction("document.querySelectorAll('main a.row').length === 1");

  await desk.go("sessions");
  await page.$eval("main [data-search]", (input) => input.value = "");
  await page.type("main [data-search]", " ");
  await page.waitForFunction("document.querySelectorAll('main a.row').length === 2");
  await say("three");
  const fresh = await page.waitForSelector(".fresh ::-p-text(1 new or gone on)");
  assert.equal((await page.$$("main a.row")).length, 2, "what is new waits");
  await fresh?.click();
  await page.waitForFunction("document.querySelectorAll('main a.row').length === 3");

  for (const address of ["sessions/%E0%A4%A", "agents/%", "turns/%zz", "nothing", ""]) {
    await page.goto(`${nexo.admin}/#/${address}`);
    await page.waitForSelector("main .page > *");
    await page.waitForSelector("nav[aria-label=Pages]");
  }
  assert.deepEqual(desk.faults(), []);
});

Deno.test("more of a list that cannot be had is told in words and asked for again, and twice is once", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using desk = await openConsole(nexo);
  const { page } = desk;
  const entry = (id: number) => ({
    id,
    at: new Date().toISOString(),
    actor: "root",
    action: `entry.${id}`,
    agent: null,
    target: null,
  });
  let asked = 0;
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    const url = new URL(request.url());
    const answer = (status: number, body: unknown) =>
      void request.respond({ status, contentType: "application/json", body: JSON.stringify(body) });
    if (url.pathname !== "/api/audit") return void request.continue();
    if (!url.searchParams.has("before")) return answer(200, { items: [entry(2)], next: 2 });
    if (++asked === 1) return answer(500, { error: { message: "The disk is full", reason: "bug" } });
    answer(200, { items: [entry(1)] });
  });
  await desk.go("audit");
  await page.locator("button.more").click();
  await desk.says("The disk is full");
  await page.$eval("button.more", (button) => {
    button.click();
    button.click();
  });
  await desk.says("entry.1");
  const rows = await page.$$eval("main .row strong", (names) => names.map((name) => name.textContent));
  assert.deepEqual(rows, ["entry.2", "entry.1"]);
  assert.equal(await page.$("button.more"), null);
});

Deno.test("the map of sixty agents stays a map: it sums up what does not fit", async () => {
  await using model = openFakeModel();
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const agents = Array.from({ length: 60 }, (_, number) => ({
    id: `agent-${number}`,
    model: { provider: "fake", model: `fake-${number % 12}` },
  }));
  await using nexo = await startNexo({ config: { ...config, "agents.yaml": { agents } } });
  await using desk = await openConsole(nexo);
  await desk.says("53 others", ".stage");
  await desk.says("5 others", ".stage");
  const height = await desk.page.$eval(".flow", (flow) => flow.clientHeight);
  assert.ok(height < 900, String(height));
  assert.deepEqual(desk.faults(), []);
});
