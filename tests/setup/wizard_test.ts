import assert from "node:assert/strict";
import { openFakeOpenai } from "../fixtures/fake_llm_openai.ts";
import { keys } from "../fixtures/pty.ts";
import { openSetupRoom } from "./setting_up.ts";
import { answer, openWizard, write } from "./typing.ts";

const { enter, up, down, ctrlC } = keys;

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
      [/Done: agents[^]*✓ A model: local[^]*That is all/, up + enter],
      [/Which agent\?[^]*a new one/, down + enter],
      [/Its id/, `Ben B${enter}`],
      [/must be 1 to 63/, `${"\x7f".repeat(5)}ben${enter}`],
      [/Its name/, `Ben "B" # \${HOME}${enter}`],
      [/Who it is/, enter],
      [/Its language/, `de${enter}`],
      write,
      [/Done: the agent ben[^]*That is all/, enter],
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
  await answer(terminal, [
    [/✓ A model[^]*✓ An agent: ana, ben[^]*● · Telegram[^]*That is all/, down.repeat(6) + enter],
    [/Start it now\?/, "n"],
  ]);
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

Deno.test("an answer of no at the end writes nothing", async () => {
  await using room = await openSetupRoom();
  await using terminal = await openWizard(room, "memory");
  await answer(terminal, [[/How shall agents find/, enter], [/Write this\?/, `n`]]);
  assert.equal(await terminal.code, 130);
  assert.equal((await room.snapshot()).size, 0);
});

Deno.test("an agent that is there stays as it is where nothing is said", async () => {
  await using room = await openSetupRoom();
  assert.equal((await room.setup("agent", "--id", "ana", "--character", "You sell shoes.")).code, 0);
  const before = await room.snapshot();
  const questions = [[/Which agent\?/, enter], [/Its name[^]*as it is/, enter], [/Who it is/, enter]] as const;
  {
    await using terminal = await openWizard(room, "agent");
    await answer(terminal, [...questions, [/Its language/, enter]]);
    assert.equal(await terminal.code, 0);
    assert.match(terminal.screen(), /ana stays as it is/);
  }
  assert.deepEqual(await room.snapshot(), before);
  await using terminal = await openWizard(room, "agent");
  await answer(terminal, [...questions, [/Its language/, `de${enter}`], write]);
  assert.equal(await terminal.code, 0);
  assert.match(await room.read("agents.yaml"), /You sell shoes\.[^]*language: de/);
});

Deno.test("the wizard's last question starts the agents", async () => {
  const anywhere = "127.0.0.1:0";
  const env = { AGENT_HEALTH_ADDR: anywhere, AGENT_METRICS_ADDR: anywhere, AGENT_ADMIN_ADDR: anywhere };
  await using room = await openSetupRoom(env);
  await using terminal = await openWizard(room);
  await answer(terminal, [[/That is all/, up + enter], [/Start it now\?/, enter], [
    /is running\. Ctrl-C stops it/,
    "",
  ]]);
  await using second = await openWizard(room);
  await answer(second, [[/That is all/, up + enter]]);
  await second.see(/It runs, and has picked this up/);
  assert.equal(await second.code, 0);
  await terminal.type(ctrlC);
  assert.equal(await terminal.code, 0, terminal.screen());
  assert.deepEqual(await terminal.left, { cooked: true, cursor: true });
});
