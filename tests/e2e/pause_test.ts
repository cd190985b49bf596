import assert from "node:assert/strict";
import { auditAnswerSchema } from "../../src/http/audit_api.ts";
import { runAgent } from "../fixtures/agent_command.ts";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { newBlackBox } from "./black_box.ts";
import { newChats } from "./chats.ts";
import { openConsole } from "./console_page.ts";

Deno.test("while an operator pauses, new messages wait with their senders, over a kill too, and are answered afterwards", async () => {
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  const config = newTestConfig({ modelUrl: model.baseUrl, telegram });
  const agent = (command: string, ...flags: readonly string[]) => runAgent([command, "--data", data.path, ...flags]);
  {
    await using nexo = await startNexo({ config, dataDir: data.path });
    await nexo.nextLog("plugin.ready");
    const { code, stdout } = await agent("pause");
    assert.equal(code, 0, stdout);
    chats.write(1);
    const refused = await ask(nexo, { agent: "ana", user: "program", text: "me too" });
    assert.equal(refused.status, 503, refused.text);
    const ready = await fetch(`${nexo.health}/ready`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /An operator has paused it/);
    nexo.kill("SIGKILL");
    await nexo.stopped;
  }
  const starting = startNexo({ config, dataDir: data.path });
  while (!/"paused": true/.test((await agent("status", "--json")).stdout));
  assert.equal((await model.requests()).length, 0);
  assert.equal((await agent("resume")).code, 0);
  await using nexo = await starting;
  await chats.answered(AbortSignal.timeout(30_000));
  await nexo.idle();
  const { items } = auditAnswerSchema.parse(await newBlackBox(nexo).get("/api/audit"));
  assert.deepEqual(
    items.filter(({ action }) => action.startsWith("intake.")).map(({ action, actor }) => [action, actor]),
    [["intake.resumed", "cli"], ["intake.paused", "cli"]],
  );
  chats.check(data.path);
});

Deno.test("the overview pauses and resumes, and says which it is", async () => {
  await using model = openFakeModel();
  await using nexo = await startNexo({ config: newTestConfig({ modelUrl: model.baseUrl }) });
  await using overview = await openConsole(nexo);
  await overview.says("Yes.", "section");
  await overview.press("Pause");
  await overview.press("Pause", "dialog");
  await overview.says("New messages wait with their senders", "section");
  await overview.says("Nothing. Everything that was accepted is answered");
  await overview.press("Resume");
  await overview.says("Yes.", "section");
  assert.deepEqual(overview.faults(), []);
});
