import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);

Deno.test("what is stored is the owner's alone, also in a folder that was open before", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  await Deno.chmod(data.path, 0o755);
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }), dataDir: data.path });
  await newBlackBox(nexo).chat({ user: "u", text: "hello" });
  const modeOf = async (name: string) => ((await Deno.stat(`${data.path}${name}`)).mode ?? 0) & 0o777;
  assert.equal(await modeOf(""), 0o700);
  for (const name of ["/admin.token", "/run.json", "/ledger.db", "/ledger.db-wal", "/ledger.db-shm"]) {
    assert.equal(await modeOf(name), 0o600, name);
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} lets a stream and a channel's turn end, leaves with 0 and without run.json`, async () => {
    await using model = openFakeModel();
    await using telegram = await openFakeBotApi();
    await using data = await openTempDir();
    await using nexo = await startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram }),
      dataDir: data.path,
    });
    await model.setRules([{ act: "hold" }]);
    const streamed = ask(nexo, { agent: "ana", user: "u", text: "by the door", key: "k" });
    telegram.inject({ chat: 1, text: "by chat" });
    await model.requests({ held: 2 });
    nexo.kill(signal);
    await nexo.nextLog("app.stopping");
    const { status } = await newBlackBox(nexo).ready();
    assert.equal(status, 503);
    await model.release();
    assert.equal((await nexo.stopped).code, 0);
    assert.equal((await streamed).text, "answer to: by the door");
    assert.equal(telegram.sent.length, 1);
    await assert.rejects(Deno.stat(`${data.path}/run.json`), Deno.errors.NotFound);
  });
}

Deno.test("a turn that is longer than the budget is resumed by the next process, and answered once", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const config = newTestConfig({ modelUrl: model.baseUrl, telegram, runtime: { shutdown: { budget: "300ms" } } });
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await model.setRules([{ act: "hold", times: 1 }]);
    telegram.inject({ chat: 1, text: "take your time" });
    await model.requests({ held: 1 });
    const before = Date.now();
    nexo.kill("SIGTERM");
    assert.equal((await nexo.stopped).code, 0);
    assert.ok(Date.now() - before < 20_000, "the default would be 25 s");
  }
  assert.equal(telegram.sent.length, 0);
  await model.release();
  await using _nexo = await startNexo({ config, dataDir: data.path });
  await telegram.nextSent(({ text }) => text.includes("take your time"), soon());
  telegram.inject({ chat: 1, text: "and this" });
  await telegram.nextSent(({ text }) => text.includes("and this"), soon());
  assert.equal(telegram.sent.length, 2);
});

Deno.test("a second signal ends the process at once", async () => {
  await using model = openFakeModel();
  await using data = await openTempDir();
  await using telegram = await openFakeBotApi();
  const config = newTestConfig({ modelUrl: model.baseUrl, telegram, runtime: { shutdown: { budget: "60s" } } });
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await model.setRules([{ act: "hold", times: 1 }]);
    telegram.inject({ chat: 1, text: "hello" });
    await model.requests({ held: 1 });
    nexo.kill("SIGTERM");
    await nexo.nextLog("app.stopping");
    const before = Date.now();
    // One that comes right after the first counts as its echo.
    const insist = setInterval(() => nexo.kill("SIGTERM"), 200);
    await nexo.stopped;
    clearInterval(insist);
    assert.ok(Date.now() - before < 30_000, "half of the budget");
  }
  await model.release();
  await using _nexo = await startNexo({ config, dataDir: data.path });
  await telegram.nextSent(({ text }) => text.includes("hello"), soon());
  assert.equal(telegram.sent.length, 1);
});
