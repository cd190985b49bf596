import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { write } from "./console_page.ts";

const agents = `# who answers
agents:
  - id: ana
    model: { provider: fake, model: fake-1 }
    config: { debounce_ms: 0 }
`;

/** A process with a config folder of its own, and a page that is logged in. */
async function openDesk() {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const config = `${stack.use(await openTempDir()).path}/config`;
  await writeConfig(config, { ...newTestConfig({ modelUrl: model.baseUrl }), "agents.yaml": agents });
  const nexo = stack.use(await startNexo({ config }));
  const browser = stack.use(await openBrowser());
  const { page, faults } = await browser.newPage();
  await page.goto(nexo.admin);
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".figures");
  const owned = stack.move();
  return {
    nexo,
    page,
    faults,
    async open(file: string) {
      await page.goto(new URL(`#/config/${file}`, nexo.admin).href);
      await page.waitForSelector(`textarea[aria-label='Text of ${file}']`);
    },
    read: (file: string) => Deno.readTextFile(`${config}/${file}`),
    write: (file: string, text: string) => Deno.writeTextFile(`${config}/${file}`, text),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const fill = (page: Page, text: string) => write(page, ".editor textarea", text);

/** Puts the cursor behind the first occurrence of a text. */
async function clickBehind(page: Page, text: string): Promise<void> {
  await page.evaluate(`{
    const area = document.querySelector(".editor textarea");
    const at = area.value.indexOf(${JSON.stringify(text)}) + ${text.length};
    area.focus();
    area.setSelectionRange(at, at);
    area.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  }`);
}

Deno.test("a config is checked while one types, compared, applied, and taken back", async () => {
  await using desk = await openDesk();
  const { page, faults } = desk;
  await desk.open("memory.yaml");
  const before = await desk.read("memory.yaml");
  await fill(page, "# mine\nshort_term: { max_history_turns: many }");
  await page.waitForSelector("[role=status] ::-p-text(1 fault; nothing is changed)");
  await page.waitForSelector(".faults ::-p-text(memory.yaml:2)");
  await page.waitForSelector(".lens em ::-p-text(■)");
  await page.waitForSelector(".gutter .bad ::-p-text(2)");
  assert.equal(await page.evaluate("document.querySelector('button.primary').disabled"), true);
  assert.equal(await desk.read("memory.yaml"), before, "a check writes nothing");

  await fill(page, "# mine\nshort_term: { max_history_turns: 7 }");
  await page.waitForSelector("[role=status] ::-p-text(No fault. Compare, then apply.)");
  await page.locator("button ::-p-text(Compare)").click();
  await page.waitForSelector("ins ::-p-text(max_history_turns: 7)");
  await page.locator("button ::-p-text(Apply)").click();
  await page.waitForSelector("[role=status] ::-p-text(Applied.)");
  assert.equal(await desk.read("memory.yaml"), "# mine\nshort_term: { max_history_turns: 7 }");

  await page.locator("button ::-p-text(Take it back)").click();
  await page.waitForSelector("del ::-p-text(max_history_turns: 7)");
  await page.locator("button:not([disabled]) ::-p-text(Apply)").click();
  await page.waitForSelector("[role=status] ::-p-text(Applied.)");
  assert.equal(await desk.read("memory.yaml"), before);
  await page.locator("summary ::-p-text(Until)").click();
  await page.waitForSelector("details[open] ins ::-p-text(max_history_turns: 7)");
  assert.deepEqual(faults, []);
});

Deno.test("the option under the cursor is explained, and what can stand there is written by a click or by keys", async () => {
  await using desk = await openDesk();
  const { page, faults } = desk;
  await desk.open("agents.yaml");
  await clickBehind(page, "debounce_ms");
  await page.waitForSelector(".help ::-p-text(agents[].config.debounce_ms)");
  await page.waitForSelector(".help ::-p-text(default 2000)");
  await page.waitForSelector(".help ::-p-text(A burst of messages with gaps shorter than this)");

  await clickBehind(page, "debounce_ms: 0 }\n");
  await page.keyboard.type("    inbound_bindings:");
  await page.keyboard.press("Enter");
  await page.keyboard.type("- plugin: telegram");
  await page.keyboard.press("Enter");
  await page.keyboard.type("  grou");
  await page.keyboard.down("Control");
  await page.keyboard.press("Space");
  await page.keyboard.up("Control");
  await page.waitForFunction("document.activeElement?.textContent === 'groups'");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".help ::-p-text(never answer, only when addressed, or always)");
  await page.locator(".help button ::-p-text(mention)").click();
  const text = await page.evaluate("document.querySelector('.editor textarea').value");
  assert.equal(text, `${agents}    inbound_bindings:\n      - plugin: telegram\n        groups: mention`);

  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate("document.activeElement?.tagName"), "TEXTAREA", "Tab leaves the editor");
  assert.deepEqual(faults, []);
});

Deno.test("who edits a file that was changed meanwhile compares with what stands there now, and loses nothing", async () => {
  await using desk = await openDesk();
  const { page, faults } = desk;
  await desk.open("agents.yaml");
  await fill(page, agents.replace("# who answers", "# my comment"));
  await page.waitForSelector("[role=status] ::-p-text(No fault. Compare, then apply.)");
  await page.locator("button ::-p-text(Compare)").click();
  await desk.write("agents.yaml", `${agents}# theirs\n`);
  await page.locator("button ::-p-text(Apply)").click();
  await page.waitForSelector("[role=alert] ::-p-text(was edited meanwhile)");
  await page.locator("button ::-p-text(Compare with what stands there now)").click();
  await page.waitForSelector("del ::-p-text(# theirs)");
  await page.waitForSelector("ins ::-p-text(# my comment)");
  assert.equal(await desk.read("agents.yaml"), `${agents}# theirs\n`);
  assert.deepEqual(faults.filter((fault) => !fault.includes("409")), [], "a refused request is no fault of the page");
});

Deno.test("a file that can name commands is applied only with the token entered again", async () => {
  await using desk = await openDesk();
  const { page, faults } = desk;
  await desk.open("mcp.yaml");
  await fill(page, "servers: {}");
  await page.waitForSelector("[role=status] ::-p-text(No fault. Compare, then apply.)");
  await page.locator("button ::-p-text(Compare)").click();
  await page.locator("button ::-p-text(Apply)").click();
  await page.locator(".token-again input").fill("not the token");
  await page.locator(".token-again button").click();
  await page.waitForSelector("[role=alert] ::-p-text(enter the token once more)");
  await page.locator("button:not([disabled]) ::-p-text(Apply)").click();
  await page.locator(".token-again input").fill(desk.nexo.token);
  await page.locator(".token-again button").click();
  await page.waitForSelector("[role=status] ::-p-text(Applied.)");
  assert.equal(await desk.read("mcp.yaml"), "servers: {}");
  assert.deepEqual(faults.filter((fault) => !fault.includes("403")), [], "a refused request is no fault of the page");
});
