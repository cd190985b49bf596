import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { keys, openPtyAgent, type PtyAgent } from "../fixtures/pty.ts";
import { openSetupRoom, type SetupRoom } from "./setting_up.ts";

/** What is shown, and what is typed then. */
type Answers = readonly (readonly [shown: RegExp, typed: string])[];

const { enter, up, down, ctrlC } = keys;

function openWizard(room: SetupRoom, ...args: readonly string[]): Promise<PtyAgent> {
  return openPtyAgent(["setup", ...args], { AGENT_CONFIG: room.config, AGENT_DATA: room.data });
}

async function answer(terminal: PtyAgent, answers: Answers): Promise<void> {
  for (const [shown, typed] of answers) {
    await terminal.see(shown);
    await terminal.type(typed);
  }
}

/** Leaves the command at each of its questions, and then walks through it. */
async function leaveEverywhere(room: SetupRoom, args: readonly string[], answers: Answers): Promise<void> {
  const before = await room.snapshot();
  for (const [index, [shown]] of answers.entries()) {
    await using terminal = await openWizard(room, ...args);
    await answer(terminal, answers.slice(0, index));
    await terminal.see(shown);
    await terminal.type(ctrlC);
    assert.equal(await terminal.code, 130, terminal.screen());
    assert.deepEqual(await room.snapshot(), before, `left at ${shown}`);
  }
  await using terminal = await openWizard(room, ...args);
  await answer(terminal, answers);
  assert.equal(await terminal.code, 0, terminal.screen());
}

const write: Answers[number] = [/Write this\?/, enter];

Deno.test("the wizard goes from nothing to a model, an agent and a bot; Ctrl-C keeps what was written by then", async () => {
  await using model = openFakeOpenai();
  await using room = await openSetupRoom();
  {
    await using terminal = await openWizard(room);
    await answer(terminal, [
      [/What shall be set up\?[^]*That is all/, enter],
      [/Who runs the model\?[^]*a server of my own/, up + enter],
      [/How shall it be called here\?/, enter],
      [/Its address/, model.baseUrl + enter],
      [/Its model/, `qwen3${enter}`],
      [/Does it want a key\?/, enter],
      write,
      [/Done: agents[^]*✓ A model: local[^]*That is all/, up.repeat(7) + enter],
      [/Which agent\?[^]*a new one/, down + enter],
      [/Its id/, `Ben B${enter}`],
      [/must be 1 to 63/, `${"\x7f".repeat(5)}ben${enter}`],
      [/Its name/, `Ben "B" # \${HOME}${enter}`],
      [/Who it is/, enter],
      [/Its language/, `de${enter}`],
      write,
      [/Done: the agent ben[^]*That is all/, up.repeat(6) + enter],
      [/Which agent shall answer there\?/, ctrlC],
    ]);
    assert.equal(await terminal.code, 130);
  }
  assert.match((await room.agent("config", "check")).stdout, /2 agents/);
  assert.match(
    await room.read("agents.yaml"),
    /- id: ben\n {4}model: auto\n {4}system_prompt: "You are Ben .*\$\$\{HOME\}/,
  );
  assert.equal(model.requests.length, 1);

  await using terminal = await openWizard(room);
  await terminal.see(/✓ A model[^]*✓ An agent: ana, ben[^]*· Telegram[^]*That is all/);
  await terminal.type(enter);
  assert.equal(await terminal.code, 0);
  assert.match(terminal.screen(), /agent doctor --live/);
});

Deno.test("Ctrl-C at every question leaves no config where there was none", async () => {
  await using room = await openSetupRoom();
  for (const step of ["llm", "agent", "telegram", "whatsapp", "email", "memory", "nats"]) {
    await using terminal = await openWizard(room, step);
    await terminal.see(/│/);
    await terminal.type(ctrlC);
    assert.equal(await terminal.code, 130, `${step}: ${terminal.screen()}`);
  }
  assert.equal((await room.snapshot()).size, 0);
});

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

Deno.test("Ctrl-C at every question about mail, WhatsApp, memory and NATS leaves the config as it was", async () => {
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ben")).code, 0);
  await leaveEverywhere(room, ["whatsapp", "--agent", "ana"], [
    [/A name for this account/, `support${enter}`],
    [/Your number/, enter],
    write,
  ]);
  await leaveEverywhere(room, ["email", "--agent", "ana", "--offline"], [
    [/A name for this account/, `box${enter}`],
    [/Mail address/, `ana@gmail.com${enter}`],
    [/Its password/, `secret${enter}`],
    [/Whose mail/, enter],
    write,
  ]);
  await leaveEverywhere(room, ["memory"], [[/How shall agents find/, enter], write]);
  await leaveEverywhere(room, ["nats", "--offline"], [[/Address of the server/, enter], write]);
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("an answer of no at the end writes nothing", async () => {
  await using room = await openSetupRoom();
  await using terminal = await openWizard(room, "memory");
  await answer(terminal, [[/How shall agents find/, enter], [/Write this\?/, `n`]]);
  assert.equal(await terminal.code, 130);
  assert.equal((await room.snapshot()).size, 0);
});
