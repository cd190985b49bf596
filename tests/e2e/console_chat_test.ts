import assert from "node:assert/strict";
import { openBrowser, type WatchedPage } from "../fixtures/browser.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";

async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const dataDir = stack.use(await openTempDir()).path;
  const browser = stack.use(await openBrowser());
  const owned = stack.move();
  return {
    model,
    browser,
    /** At `port`, or at one that is free. */
    start: (port = 0) =>
      startNexo({
        config: newTestConfig({ modelUrl: model.baseUrl }),
        dataDir,
        env: { AGENT_ADMIN_ADDR: `127.0.0.1:${port}` },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function logIn({ page }: WatchedPage, nexo: NexoProcess): Promise<void> {
  await page.waitForSelector("input[type=password]");
  await page.locator("input[type=password]").fill(nexo.token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("nav");
}

async function say({ page }: WatchedPage, text: string): Promise<void> {
  await page.locator("textarea").fill(text);
  await page.keyboard.press("Enter");
}

Deno.test("a turn is stopped from the chat, the next one is answered, and the keyboard brings back what was said", async () => {
  await using world = await openWorld();
  await using nexo = await world.start();
  await world.model.setRules([{ when: "long story", act: "hold", pieces: 2, text: "Once upon a time there was" }]);
  const watched = await world.browser.newPage();
  const { page, faults } = watched;
  await page.goto(nexo.admin);
  await logIn(watched, nexo);
  await page.goto(`${nexo.admin}/#/chat/ana`);
  await say(watched, "Tell me a long story");
  await page.waitForSelector(".bubble.turn ::-p-text(Once)");
  await page.locator(".bubble.turn button ::-p-text(Stop)").click();
  await page.waitForSelector(".bubble.turn ::-p-text(Stopped by the operator.)");

  await page.locator("textarea").fill("two");
  await page.keyboard.down("Shift");
  await page.keyboard.press("Enter");
  await page.keyboard.up("Shift");
  await page.keyboard.type("lines");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".bubble.turn ::-p-text(answer to: two)");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.$eval("textarea", (box) => box.value), "Tell me a long story");
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.$eval("textarea", (box) => box.value), "two\nlines");

  await page.reload();
  await page.waitForSelector(".note ::-p-text(Stopped by the operator.)");
  await page.goto(`${nexo.admin}/#/audit`);
  await page.waitForSelector("::-p-text(turn.stopped)");
  await page.goto(`${nexo.admin}/#/overview`);
  await page.waitForSelector(".figures");
  assert.equal(await page.$("nav .badge"), null, "nothing died of it");
  assert.deepEqual(faults, []);
});

Deno.test("an answer is found again after the page was loaded anew and after the process was killed while it streamed", async () => {
  await using world = await openWorld();
  await world.model.setRules([{
    when: "slowly",
    times: 1,
    act: "hold",
    pieces: 2,
    text: "Half of an answer is here, and the other half comes later.",
  }]);
  const watched = await world.browser.newPage();
  const { page } = watched;
  let port = "";
  {
    await using doomed = await world.start();
    port = new URL(doomed.admin).port;
    await page.goto(doomed.admin);
    await logIn(watched, doomed);
    await page.goto(`${doomed.admin}/#/chat/ana`);
    await say(watched, "Answer slowly, please");
    await page.waitForSelector(".bubble.turn ::-p-text(Half)");
    await page.reload();
    await page.waitForSelector(".bubble.me ::-p-text(Answer slowly, please)");
    doomed.kill("SIGKILL");
    await doomed.stopped;
    await page.waitForSelector("::-p-text(What was accepted is not lost)");
  }
  await using nexo = await world.start(Number(port));
  // Sessions end with their process; the login leads back to the chat.
  await logIn(watched, nexo);
  await page.waitForSelector(".bubble.turn ::-p-text(answer to: Answer slowly, please)", { timeout: 60_000 });
  await nexo.idle();
  assert.equal((await page.$$(".bubble.me")).length, 1, "it was said once");
  await page.reload();
  await page.waitForSelector(".bubble.turn ::-p-text(answer to: Answer slowly, please)");
  assert.equal((await page.$$(".bubble.me")).length, 1, "it is shown once");
});
