import assert from "node:assert/strict";
import { writeStarterFolder } from "../../src/cli/starter_config.ts";
import { readPlain } from "../../src/config/edit.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { keys } from "../fixtures/pty.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openSetupRoom, readTree, type SetupRoom } from "./setting_up.ts";
import { answer, openWizard } from "./typing.ts";

Deno.test("of several setups at once none undoes another, and none says that it is done where it is not", async () => {
  await using room = await openSetupRoom();
  const ids = ["ben", "cleo", "dora", "emil"];
  const outcomes = await Promise.all(ids.map(async (id) => ({ id, ...await room.setup("agent", "--id", id) })));
  assert.deepEqual(outcomes.filter(({ code }) => code !== 0 && code !== 5), []);
  const done = outcomes.filter(({ code }) => code === 0).map(({ id }) => id);
  assert.ok(done.length > 0);
  assert.deepEqual(await idsOf(room), ["ana", ...done].sort());
  for (const { code, stderr } of outcomes) if (code === 5) assert.match(stderr, /Nothing was written: run it again/);
});

Deno.test("an agent that is made while the wizard asks for another is not overwritten by it", async () => {
  await using room = await openSetupRoom();
  await using terminal = await openWizard(room, "agent");
  await answer(terminal, [[/Which agent\?/, keys.down + keys.enter], [/Its id/, `ben${keys.enter}`]]);
  await terminal.see(/Its name/);
  assert.equal((await room.setup("agent", "--id", "cleo")).code, 0);
  await terminal.type(keys.enter);
  await answer(terminal, [[/Who it is/, keys.enter], [/Its language/, keys.enter]]);
  assert.equal(await terminal.code, 5, terminal.screen());
  assert.deepEqual(await idsOf(room), ["ana", "cleo"]);
});

Deno.test("a first config comes whole or not at all, and never in the place of another", async () => {
  await using folder = await openTempDir();
  const dir = `${folder.path}/config`;
  await assert.rejects(writeStarterFolder(dir, () => Promise.reject(new Error("no"))), /no/);
  assert.equal((await readTree(folder.path)).size, 0);
  const makeIt = async () => {
    await Deno.mkdir(dir);
    await Deno.writeTextFile(`${dir}/agents.yaml`, "ours");
  };
  await rejectsWith("conflict", writeStarterFolder(dir, makeIt));
  assert.deepEqual([...await readTree(folder.path)], [["config/agents.yaml", "ours"]]);
});

async function idsOf(room: SetupRoom): Promise<readonly string[]> {
  const text = JSON.stringify(readPlain(await room.read("agents.yaml")));
  return [...text.matchAll(/"id":"(\w+)"/g)].map(([, id = ""]) => id).sort();
}
