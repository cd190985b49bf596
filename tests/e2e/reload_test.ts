import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { type ConfigFiles, openTempDir, startNexo, writeConfig } from "../fixtures/nexo_process.ts";
import { eventually, newBlackBox } from "./black_box.ts";

const soon = () => AbortSignal.timeout(60_000);
const quick = { reload: { debounce: "20ms" }, shutdown: { budget: "5s" } };

Deno.test("edits of prompt, tools, model and agents hold from the next message on", async () => {
  await using model = openFakeModel();
  await using other = openFakeModel();
  await using folder = await openTempDir();
  const configure = (agent: Record<string, unknown>, modelUrl = model.baseUrl): ConfigFiles =>
    newTestConfig({ modelUrl, agent, runtime: quick });
  const edit = async (files: ConfigFiles) => {
    await writeConfig(folder.path, files);
    await nexo.nextLog("config.applied");
  };
  await writeConfig(folder.path, configure({ allowed_tools: ["delegate"], allowed_delegates: ["*"] }));
  await using nexo = await startNexo({ config: folder.path });
  const box = newBlackBox(nexo);
  await box.chat({ user: "u", text: "one" });
  const toolsBefore = (await model.requests()).at(-1)?.toolCount ?? 0;

  await edit(configure({ system_prompt: "You are a parrot.", allowed_tools: [] }));
  await box.chat({ user: "u", text: "two" });
  const second = (await model.requests()).at(-1);
  assert.match(JSON.stringify(second?.messages), /You are a parrot/);
  assert.ok((second?.toolCount ?? 0) <= toolsBefore, "tools were taken away");

  await edit(configure({}, other.baseUrl));
  assert.equal((await box.chat({ user: "u", text: "three" })).text, "answer to: three");
  assert.equal((await other.requests()).length, 1);

  const added = { id: "ben", model: { provider: "fake", model: "fake-1" }, config: { debounce_ms: 0 } };
  await edit({ "agents.d/ben.yaml": { agents: [added] } });
  assert.equal((await box.chat({ agent: "ben", user: "u", text: "are you new" })).text, "answer to: are you new");
  await Deno.remove(`${folder.path}/agents.d/ben.yaml`);
  await nexo.nextLog("config.applied");
  assert.equal((await box.chat({ agent: "ben", user: "u", text: "still there" })).status, 404);
});

Deno.test("a faulty edit is refused in sight of everybody, and forgotten when it is mended", async () => {
  await using model = openFakeModel();
  await using folder = await openTempDir();
  const good = newTestConfig({ modelUrl: model.baseUrl, runtime: quick });
  await writeConfig(folder.path, good);
  await using nexo = await startNexo({ config: folder.path });
  const box = newBlackBox(nexo);
  await writeConfig(folder.path, { "agents.yaml": "agents: [{ id: ana, modle: auto }" });
  await nexo.nextLog("config.refused");
  const { status, text } = await box.ready();
  assert.equal(status, 200);
  assert.match(text, /"config"[^}]*degraded[^}]*refused/);
  assert.match(JSON.stringify(await box.get("/api/status")), /edited config was refused/);
  assert.equal(await box.metric("nexo_config_reloads_total", "refused"), 1);
  assert.equal((await box.chat({ user: "u", text: "still there" })).text, "answer to: still there");
  await writeConfig(folder.path, good);
  await nexo.nextLog("config.restored");
  assert.doesNotMatch((await box.ready()).text, /refused/);
});

Deno.test("a binding that is closed, and an instance that comes or goes, hold at once", async () => {
  await using model = openFakeModel();
  await using first = await openFakeBotApi({ token: "1001:token-of-the-first-bot" });
  await using second = await openFakeBotApi({ token: "1002:token-of-the-second-bot" });
  await using folder = await openTempDir();
  const instance = (name: string, { url, token }: { url: string; token: string }) => ({
    instance: name,
    token,
    api_root: url,
  });
  const write = (bindings: readonly unknown[], instances: readonly unknown[]) =>
    writeConfig(folder.path, {
      ...newTestConfig({ modelUrl: model.baseUrl, agent: { inbound_bindings: bindings }, runtime: quick }),
      "plugins/telegram.yaml": { telegram: instances },
    });
  const main = instance("main", first);
  const extra = instance("extra", second);
  const open = (name: string) => ({ plugin: "telegram", instance: name, open: true });
  await write([open("main")], [main]);
  await using nexo = await startNexo({ config: folder.path });
  const box = newBlackBox(nexo);
  first.inject({ chat: 1, text: "hello one" });
  await first.nextSent(({ text }) => text.includes("hello one"), soon());

  await write([open("main"), open("extra")], [main, extra]);
  second.inject({ chat: 1, text: "hello two" });
  await second.nextSent(({ text }) => text.includes("hello two"), soon());

  await write([{ ...open("main"), open: false }, open("extra")], [main, extra]);
  await eventually(
    async () => (await nexo.nextLog("config.applied")).generation === 3,
    "the third config is in force",
  );
  first.inject({ chat: 1, text: "hello three" });
  await nexo.nextLog("message.refused");
  assert.equal(first.sent.length, 1);

  await write([open("main")], [main]);
  await eventually(
    async () => !JSON.stringify(await box.get("/api/channels")).includes("extra"),
    "the instance is gone",
  );
  first.inject({ chat: 1, text: "hello four" });
  await first.nextSent(({ text }) => text.includes("hello four"), soon());
});
