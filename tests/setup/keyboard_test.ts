import assert from "node:assert/strict";
import { newKeyFilter } from "../../src/setup/keyboard.ts";
import { keys } from "../fixtures/pty.ts";
import { openSetupRoom } from "./setting_up.ts";
import { answer, openWizard } from "./typing.ts";

const paste = (text: string) => `\x1b[200~${text}\x1b[201~`;
const ctrlZ = "\x1a";

Deno.test("what is pasted is one answer, however many lines it has and however it arrives", () => {
  const text = "You are Ben.\r\n\r\nBe nice.\n\ty\x03\n";
  const one = newKeyFilter(" ")(paste(text));
  assert.equal(one, "You are Ben. Be nice. y ");
  const inParts = newKeyFilter(" ");
  const parts = [`a${paste(text).slice(0, 6)}`, ...paste(text).slice(6), "b\r"];
  assert.equal(parts.map(inParts).join(""), `a${one}b\r`);
  assert.equal(newKeyFilter("")(paste("sk-\nant\n")), "sk-ant", "a key that was copied from two lines is one");
  assert.equal(newKeyFilter(undefined)(`${paste("yes\ny")}n`), "n", "a yes in pasted text confirms nothing");
});

Deno.test("keys that are typed stay as they are, but for the one that stops the process", () => {
  const typed = [keys.up, keys.escape, keys.enter, "ä", keys.ctrlC, keys.ctrlD, "\t"];
  const filter = newKeyFilter(" ");
  assert.deepEqual(typed.map(filter), typed);
  assert.equal(filter(`a${ctrlZ}b`), "ab");
});

Deno.test("Ctrl-Z stops no question, and a pasted text with lines answers only the one that it is pasted to", async () => {
  await using room = await openSetupRoom();
  await using terminal = await openWizard(room, "agent");
  await answer(terminal, [
    [/Which agent\?/, ctrlZ + keys.down + keys.enter],
    [/Its id/, `${ctrlZ}${paste("ben\n")}${keys.enter}`],
    [/Its name/, ctrlZ + keys.enter],
    [/Who it is/, `${ctrlZ}${paste("You are Ben.\nYou sell shoes.\ny\n")}`],
    [/sell shoes/, keys.enter],
    [/Its language/, ctrlZ + keys.enter],
    [/Write this\?/, ctrlZ + paste("n\n") + keys.enter],
  ]);
  assert.equal(await terminal.code, 0, terminal.screen());
  assert.match(await room.read("agents.yaml"), /id: ben\n.*\n {4}system_prompt: "You are Ben\. You sell shoes\. y"\n/);
});
