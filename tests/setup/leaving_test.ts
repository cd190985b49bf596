import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { keys } from "../fixtures/pty.ts";
import { openSetupRoom } from "./setting_up.ts";
import { answer, leaveEverywhere, openWizard, write } from "./typing.ts";

const { enter, up, down, ctrlC } = keys;

Deno.test("Ctrl-C at every question about a model leaves the config as it was", async () => {
  await using model = openFakeOpenai();
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  await leaveEverywhere(room, ["llm"], [
    [/Who runs the model\?/, up + enter],
    [/How shall it be called here\?/, enter],
    [/Its address/, model.baseUrl + enter],
    [/Its model/, `qwen3${enter}`],
    [/Does it want a key\?/, `y`],
    [/Key of local/, `sk-secret${enter}`],
    write,
  ]);
  assert.equal(await room.read("secrets/local"), "sk-secret\n");
  assert.equal(model.requests.at(-1)?.headers.get("authorization"), "Bearer sk-secret");
});

Deno.test("Ctrl-C at every question about a bot leaves the config as it was, a wrong token asks again", async () => {
  await using api = await openFakeBotApi();
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  await leaveEverywhere(room, ["telegram", "--api-root", api.url], [
    [/Which agent shall answer/, down + enter],
    [/A name for this account/, `sales${enter}`],
    [/Token of the bot/, `12:wrong${enter}`],
    [/Unauthorized[^]*Try another token\?/, enter],
    [/Token of the bot/, api.token + enter],
    [/It is that of @[^]*Your name on Telegram/, `@eva${enter}`],
    write,
  ]);
  assert.match(
    await room.read("agents.yaml"),
    /id: ben[^]*plugin: telegram\n {8}instance: sales\n {8}allow_from: \["@eva"\]/,
  );
  assert.ok(
    ![...(await room.snapshot())].some(([path, text]) => !path.startsWith("secrets/") && text.includes(api.token)),
  );
});

Deno.test("Ctrl-C at every question about an agent leaves the config as it was", async () => {
  await using room = await openSetupRoom();
  await leaveEverywhere(room, ["agent"], [
    [/Which agent\?/, down + enter],
    [/Its id/, `ben${enter}`],
    [/Its name/, enter],
    [/Who it is/, enter],
    [/Its language/, enter],
    write,
  ]);
  assert.match((await room.agent("config", "check")).stdout, /2 agents/);
});

Deno.test("a closed terminal leaves the config as it was, and no folder behind", async () => {
  await using folder = await openTempDir();
  await using room = await openSetupRoom({ TMPDIR: folder.path });
  for (const [step, shown] of [["llm", /Who runs/], ["memory", /How shall agents/], ["whatsapp", /A name/]] as const) {
    await using terminal = await openWizard(room, step);
    await terminal.see(shown);
    await terminal.hangUp();
    assert.notEqual(await terminal.code, 0);
  }
  assert.equal((await room.snapshot()).size, 0);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
});

Deno.test("Ctrl-C while a provider is asked leaves the config as it was", async () => {
  await using model = openFakeOpenai();
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  const before = await room.snapshot();
  model.script({ type: "hang" });
  await using terminal = await openWizard(room, "llm", "--base-url", model.baseUrl);
  await answer(terminal, [[/Who runs the model\?/, down + enter], [/Key of openai/, `sk-secret${enter}`]]);
  await terminal.see(/Asking openai/);
  await terminal.type(ctrlC);
  assert.equal(await terminal.code, 130);
  assert.deepEqual(await room.snapshot(), before);
});
