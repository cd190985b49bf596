import assert from "node:assert/strict";
import { openBrowser, type WatchedPage } from "../fixtures/browser.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { openProbe } from "../fixtures/probe_tools.ts";
import { newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);

async function openWorld() {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(openFakeModel());
  const telegram = stack.use(await openFakeBotApi());
  const probe = stack.use(openProbe());
  const dataDir = stack.use(await openTempDir()).path;
  const browser = stack.use(await openBrowser());
  const owned = stack.move();
  return {
    model,
    telegram,
    probe,
    start: () =>
      startNexo({
        config: newTestConfig({ modelUrl: model.baseUrl, telegram, agent: { allowed_tools: ["probe_*"] } }),
        dataDir,
        entry: new URL("../fixtures/crash_main.ts", import.meta.url),
        env: { PROBE_URL: probe.url },
      }),
    /** The page of the newest turn. */
    async showTurn(nexo: NexoProcess): Promise<WatchedPage> {
      const turnId = await findTurn(nexo);
      const watched = await browser.newPage();
      await watched.page.goto(nexo.admin);
      // A page of the same browser is logged in already.
      const field = await watched.page.waitForSelector("input[type=password], nav");
      if (await field?.evaluate((one) => one.matches("input"))) {
        await watched.page.locator("input[type=password]").fill(nexo.token);
        await watched.page.keyboard.press("Enter");
        await watched.page.waitForSelector("nav");
      }
      await watched.page.goto(`${nexo.admin}/#/turns/${turnId}`);
      await watched.page.waitForSelector(".timeline");
      return watched;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function findTurn(nexo: NexoProcess): Promise<string> {
  const box = newBlackBox(nexo);
  const { items } = JSON.parse(JSON.stringify(await box.get("/api/sessions")));
  const messages = JSON.parse(
    JSON.stringify(await box.get(`/api/sessions/${encodeURIComponent(items[0].id)}/messages`)),
  );
  return messages.items[0].turnId;
}

Deno.test("the timeline of a turn that was killed in the middle says what was kept, what was not repeated, and the channel's id", async () => {
  await using world = await openWorld();
  await world.model.setRules([
    { when: "book", afterTool: false, times: 1, act: "status", status: 500 },
    { when: "book", afterTool: false, act: "call", tool: "probe_once", toolArguments: '{"table":4}' },
    { when: "book", afterTool: true, text: "I am not sure that it is booked." },
  ]);
  {
    await using doomed = await world.start();
    const held = world.probe.holdNext();
    world.telegram.inject({ chat: 5, text: "Please book table four" });
    await held;
    doomed.kill("SIGKILL");
    await doomed.stopped;
  }
  await using nexo = await world.start();
  await world.telegram.nextSent(({ chatId }) => chatId === 5, soon());
  await nexo.idle();
  const { page, faults } = await world.showTurn(nexo);

  await page.waitForSelector("::-p-text(The process ended once while this was answered, and nothing was lost)");
  await page.waitForSelector("::-p-text(Nobody saw how probe_once ended)");
  await page.waitForSelector(".timeline small.bad ::-p-text(cut off, not repeated)");
  await page.waitForSelector(".timeline .bar.down");
  await page.waitForSelector(".timeline small.warn ::-p-text(1 failed try)");
  const [{ messageId } = { messageId: 0 }] = world.telegram.sent;
  await page.waitForSelector(`.timeline small ::-p-text(id ${messageId})`);
  const names = await page.$$eval(".timeline .name > :first-child", (all) => all.map((one) => one.textContent ?? ""));
  // On a busy machine these take long enough for a row of their own.
  const slow = ["Prepared", "Waited for more of it"];
  assert.deepEqual(names.map((name) => name.replace(/ · .*/, "")).filter((name) => !slow.includes(name)), [
    "Received",
    "Queued",
    "Model",
    "probe_once",
    "The process ended",
    "Model",
    "Sent",
  ]);
  await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)");
  await page.waitForSelector("pre ::-p-text(Please book table four)");
  await page.waitForSelector("pre ::-p-text('\"table\": 4')");
  await page.waitForSelector("p ::-p-text(It was asked again after)");
  await page.waitForSelector("dl.foot ::-p-text(2 model calls, 1 tool call)");
  assert.deepEqual(faults, []);
});

Deno.test("a message that waited while no process was there says so, and one that nobody could answer says why", async () => {
  await using world = await openWorld();
  await world.model.setRules([
    { when: "parcel", times: 1, act: "hang" },
    { when: "unanswerable", act: "status", status: 400 },
  ]);
  {
    await using doomed = await world.start();
    world.telegram.inject({ chat: 5, text: "Where is my parcel?" });
    await world.model.requests({ atLeast: 1 });
    doomed.kill("SIGKILL");
    await doomed.stopped;
  }
  await using nexo = await world.start();
  await world.telegram.nextSent(({ chatId }) => chatId === 5, soon());
  await nexo.idle();
  {
    const { page, faults } = await world.showTurn(nexo);
    await page.waitForSelector(".timeline ::-p-text(Nobody was there)");
    await page.waitForSelector(".notice ::-p-text(The process ended once)");
    assert.deepEqual(faults, []);
  }
  world.telegram.inject({ chat: 5, text: "The unanswerable question" });
  await world.telegram.nextSent(() => world.telegram.sent.length === 2, soon());
  await nexo.idle();
  const { page, faults } = await world.showTurn(nexo);
  await page.waitForSelector(".notice.bad ::-p-text(refused the request)");
  await page.waitForSelector(".notice.bad a[href='#/dead-letters']");
  await page.waitForSelector(".timeline small.bad ::-p-text(no answer)");
  await page.waitForSelector(".timeline ::-p-text(Given up)");
  assert.deepEqual(faults, []);
});
