import assert from "node:assert/strict";
import { tokensAnswerSchema } from "../../src/http/tokens_api.ts";
import { openBrowser } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { openConsole } from "./console_page.ts";

Deno.test("an operator makes a token in the console, its holder looks on, and is out when it is revoked", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using operator = await openConsole(nexo);
  const { page } = operator;
  await operator.go("access");
  await operator.says("There is only the root token.");
  await page.locator("input[placeholder=eva]").fill("vera");
  await page.locator(".new-token input[type=password]").fill("wrong");
  await operator.press("Make it");
  await operator.says("enter the token once more");
  await page.locator(".new-token input[type=password]").fill(nexo.token);
  await operator.press("Make it");
  await operator.says("It is shown this once");
  const token = await page.$eval(".made-token code", (code) => code.textContent ?? "");
  assert.match(token, /^nexo_[\w-]{43}$/);
  await operator.says("never used");
  await operator.go("audit");
  await operator.go("access");
  await operator.says("vera");
  assert.ok(!(await page.content()).includes(token), "it is shown once");

  await using viewer = await openConsole({ ...nexo, token });
  await viewer.says("You look on as vera, a viewer");
  const refused: string[] = [];
  viewer.page.on("response", (response) => void (response.status() === 403 && refused.push(response.url())));
  for (
    const address of "overview chat sessions agents agents/ana channels bus tools models config access audit".split(" ")
  ) {
    await viewer.go(address);
    await viewer.page.waitForSelector("main .page h1");
    const open = await viewer.page.$$eval(
      "main button.primary, main button.danger",
      (buttons) => buttons.filter((one) => !one.disabled).map((one) => one.textContent),
    );
    assert.deepEqual(open, [], `${address} shuts what changes`);
  }
  await viewer.go("models");
  await viewer.says("No model was asked in this time");
  await viewer.go("agents/ana");
  await viewer.says("In force, and set by somebody");
  await viewer.go("config");
  await viewer.says("agents.ana");
  await viewer.go("access");
  await viewer.says("this browser");
  const title = await viewer.page.$eval("main button.danger", (button) => button.title);
  assert.match(title, /viewer/);
  assert.deepEqual(refused, [], "no page asks for what its reader may not see");
  const tried = await viewer.page.evaluate(async () => {
    const headers = { "x-nexo-csrf": "1" };
    const response = await fetch("/api/chat", { method: "POST", headers, body: '{"agent":"ana","text":"hi"}' });
    return `${response.status} ${await response.text()}`;
  });
  assert.match(tried, /^403 .*"viewer"/);

  const box = newBlackBox(nexo);
  const { items } = tokensAnswerSchema.parse(await box.get("/api/tokens"));
  assert.ok(items[0]?.lastUsedAt !== null, "that it was used is written down");
  await operator.press("Revoke", ".row.token");
  await operator.press("Revoke", "dialog");
  await operator.says("revoked, was until");
  // The stream ends, and the page is covered by the question for a token, which a viewer can answer too.
  await viewer.page.waitForSelector("dialog[open] input[type=password]");
  assert.equal(await viewer.page.$eval("dialog [type=submit]", (button) => button.matches(":disabled")), false);

  await operator.press("Log out everywhere");
  await operator.press("Log out everywhere", "dialog");
  await page.waitForSelector("input[type=password]");
  assert.deepEqual([operator.faults(), viewer.faults()], [[], []]);
});

Deno.test("a login link leads into the console once, and the browser's addresses hold no token", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using browser = await openBrowser();
  const { page, faults } = await browser.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(`${request.url()} ${request.headers()["referer"] ?? ""}`));
  await page.goto(`${nexo.admin}/login?code=wrong`);
  await page.waitForSelector("::-p-text(used before)");
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav[aria-label=Pages]");
  assert.deepEqual(asked.filter((line) => line.includes(nexo.token) || line.split(" ")[1] !== ""), []);
  assert.ok(!page.url().includes(nexo.token));
  assert.deepEqual(faults, []);
});
