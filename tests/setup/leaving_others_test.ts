import assert from "node:assert/strict";
import { keys, type PtyAgent } from "../fixtures/pty.ts";
import { openSetupRoom } from "./setting_up.ts";
import { answer, type Answers, leaveEverywhere, openWizard, write } from "./typing.ts";

const { enter, up, down, ctrlC } = keys;

Deno.test("Ctrl-C at every question about memory and NATS leaves the config as it was", async () => {
  await using room = await openSetupRoom();
  await leaveEverywhere(room, ["memory", "--offline"], [
    [/How shall agents find/, up.repeat(2) + enter],
    [/Key for gemini/, "k\r"],
    write,
  ]);
  assert.equal(await room.read("secrets/memory_embedder"), "k\n");
  await leaveEverywhere(room, ["memory", "--offline"], [[/How shall agents find/, enter], write]);
  await leaveEverywhere(room, ["nats"], [
    [/Address of the server/, `nats://127.0.0.1:1${enter}`],
    [/Cannot use NATS at 127\.0\.0\.1:1[^]*What now\?/, down + enter],
    [/User/, `nexo${enter}`],
    [/Its password/, `secret${enter}`],
    [/What now\?/, up + enter],
    write,
  ]);
  assert.equal((await room.agent("config", "check")).code, 0);
});

Deno.test("Ctrl-C at every question about the service leaves the machine as it was", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nexo-test-" });
  await Deno.writeTextFile(`${folder}/systemctl`, `#!/bin/sh\necho "$@" >> ${folder}/calls\n`, { mode: 0o755 });
  const home = { HOME: folder, DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno` };
  await using room = await openSetupRoom({ ...home, PATH: `${folder}:${Deno.env.get("PATH")}` });
  const questions = [
    [/What shall be set up\?[^]*· Start with the machine/, up.repeat(2) + enter],
    [/Whose service shall it be\?/, Deno.uid() === 0 ? up + enter : enter],
    [/ExecStart=[^]*Write this unit and start it\?/, enter],
  ] as const;
  for (const [index, [shown]] of questions.entries()) {
    await using terminal = await openWizard(room);
    await answer(terminal, questions.slice(0, index));
    await terminal.see(shown);
    await terminal.type(ctrlC);
    assert.equal(await terminal.code, 130, terminal.screen());
    assert.equal((await room.snapshot()).size, 0);
    await assert.rejects(Deno.stat(`${folder}/calls`), Deno.errors.NotFound);
  }
  await using terminal = await openWizard(room);
  await answer(terminal, questions);
  await terminal.see(/✓ Start with the machine[^\n]*: yours is installed/);
  await terminal.type(ctrlC);
  assert.equal(await terminal.code, 130);
  assert.match(await Deno.readTextFile(`${folder}/calls`), /--user enable --now nexo\.service/);
  await Deno.remove(folder, { recursive: true });
});

/** Ways to leave at a question; the terminal is there afterwards. */
const ways: Readonly<Record<string, (terminal: PtyAgent) => Promise<void>>> = {
  escape: (terminal) => terminal.type(keys.escape),
  "the end of input": (terminal) => terminal.type(keys.ctrlD),
  SIGINT: (terminal) => terminal.kill("SIGINT"),
  SIGTERM: (terminal) => terminal.kill("SIGTERM"),
  SIGHUP: (terminal) => terminal.kill("SIGHUP"),
};

for (const [way, leave] of Object.entries(ways)) {
  Deno.test(`${way} at a list, a secret, a line of text and a yes or no is as Ctrl-C is`, async () => {
    await using room = await openSetupRoom();
    const memory: Answers = [[/How shall agents find/, up.repeat(2) + enter], [/Key for gemini/, `k${enter}`], write];
    for (
      const [args, answers] of [[["memory", "--offline"], memory], [["agent"], [[/Which agent\?/, up + enter], [
        /Its id/,
        "",
      ]]]] as const
    ) {
      for (const [index, [shown]] of answers.entries()) {
        await using terminal = await openWizard(room, ...args);
        await answer(terminal, answers.slice(0, index));
        await terminal.see(shown);
        await leave(terminal);
        assert.equal(await terminal.code, 130, terminal.screen());
        assert.deepEqual(await terminal.left, { cooked: true, cursor: true }, `left at ${shown}`);
      }
    }
    assert.equal((await room.snapshot()).size, 0);
  });
}
