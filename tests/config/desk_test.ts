import assert from "node:assert/strict";
import { type ConfigDesk, newConfigDesk } from "../../src/config/desk.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { openTempDir, writeConfig } from "../fixtures/nexo_process.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";

const agents = "# Mine\nagents:\n  - id: ana # the first\n";

async function openDesk() {
  const folder = await openTempDir();
  const dir = `${folder.path}/config`;
  await writeConfig(dir, { "agents.yaml": agents });
  let reloads = 0;
  const clock = newFakeClock();
  const desk: ConfigDesk = newConfigDesk({
    dir,
    pastDir: `${folder.path}/past`,
    env: {},
    plugins: [],
    clock,
    reload: () => {
      reloads++;
      return Promise.resolve({ result: "applied", generation: 2, restartNeeded: [] });
    },
  });
  const find = async (path: string) => (await desk.list()).find((file) => file.path === path) ?? assert.fail(path);
  return { desk, dir, find, clock, reloads: () => reloads, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

Deno.test("an edit is applied as it was written, comments and all, and the text before it is kept", async () => {
  await using room = await openDesk();
  const { version, text } = await room.find("agents.yaml");
  assert.equal(text, agents);
  const next = agents.replace("ana", "kate");
  const outcome = await room.desk.apply({ path: "agents.yaml", text: next, base: version });
  assert.equal(outcome.result, "applied");
  assert.equal(await Deno.readTextFile(`${room.dir}/agents.yaml`), next);
  const [past] = await room.desk.past();
  assert.equal(past?.path, "agents.yaml");
  assert.equal(Date.parse(past?.replacedAt ?? ""), room.clock.now());
  assert.equal(await room.desk.readPast(past?.id ?? ""), agents);
});

Deno.test("a faulty edit changes nothing, and says what is wrong and where", async () => {
  await using room = await openDesk();
  const { version } = await room.find("agents.yaml");
  const faulty = { path: "agents.yaml", text: "agents:\n  - id: ana\n    modle: auto\n" };
  const [fault] = await room.desk.check(faulty);
  assert.equal(fault?.line, 3);
  assert.match(fault?.path ?? "", /modle/);
  assert.match((await rejectsWith("invalid", room.desk.apply({ ...faulty, base: version }))).message, /modle/);
  assert.equal(await Deno.readTextFile(`${room.dir}/agents.yaml`), agents);
  assert.deepEqual([room.reloads(), await room.desk.past()], [0, []]);
});

Deno.test("an edit is checked together with the other files", async () => {
  await using room = await openDesk();
  const text = "agents:\n  - id: ana\n";
  const [fault] = await room.desk.check({ path: "agents.d/second.yaml", text });
  assert.match(fault?.message ?? "", /ana/);
});

Deno.test("edits that are right only together are written together, or none of them", async () => {
  await using room = await openDesk();
  const base = async (path: string) => ({ path, base: (await room.find(path)).version });
  const provider = "providers: { own: { kind: gemini, api_key: k } }\n";
  const agent = agents.replace("ana # the first", "ana\n    model: { provider: own, model: m }");
  assert.equal((await room.desk.check({ path: "agents.yaml", text: agent })).length, 1);
  const llm = { ...await base("llm.yaml"), text: "providers: { other: { kind: nothing } }\n" };
  const change = { ...await base("agents.yaml"), text: agent };
  await rejectsWith("invalid", room.desk.apply(change, llm));
  assert.equal((await room.find("agents.yaml")).text, agents);
  assert.deepEqual(await room.desk.past(), []);
  await room.desk.apply(change, { ...llm, text: provider });
  assert.equal((await room.find("agents.yaml")).text, agent);
  assert.equal((await room.find("llm.yaml")).text, provider);
  assert.equal((await room.desk.past()).length, 2);
  assert.equal(room.reloads(), 1);
});

Deno.test("an edit of a text that somebody changed meanwhile is refused", async () => {
  await using room = await openDesk();
  const { version } = await room.find("agents.yaml");
  await Deno.writeTextFile(`${room.dir}/agents.yaml`, `${agents}# by hand\n`);
  assert.match(
    (await rejectsWith("conflict", room.desk.apply({ path: "agents.yaml", text: agents, base: version }))).message,
    /meanwhile/,
  );
});

Deno.test("two edits at once: the second was made from a text that is not there any more", async () => {
  await using room = await openDesk();
  const { version } = await room.find("agents.yaml");
  const edit = (id: string) =>
    room.desk.apply({ path: "agents.yaml", text: `agents: [{ id: ${id} }]\n`, base: version });
  const outcomes = await Promise.allSettled([edit("one"), edit("two")]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
});

Deno.test("a file that is not there is made for its owner alone, and nothing but config files is written", async () => {
  await using room = await openDesk();
  const { version, text } = await room.find("llm.yaml");
  assert.equal(text, "");
  await room.desk.apply({ path: "llm.yaml", text: "providers: {}\n", base: version });
  assert.equal(((await Deno.stat(`${room.dir}/llm.yaml`)).mode ?? 0) & 0o777, 0o600);
  for (const path of ["../x.yaml", "agents.d/../../x.yaml", "/etc/passwd", "secrets/key", "agents.d/.hidden.yaml"]) {
    assert.match((await rejectsWith("invalid", room.desk.check({ path, text: "" }))).message, /Nothing would read/);
  }
  assert.match((await rejectsWith("missing", room.desk.readPast("../config/agents.yaml"))).message, /no earlier text/);
});

Deno.test("every option of a file is told with its type, its default and what may be written there", async () => {
  await using room = await openDesk();
  const { desk } = room;
  const find = (file: string, path: string) => desk.options(file).find((option) => option.path === path);
  const debounce = find("agents.yaml", "agents[].config.debounce_ms");
  assert.deepEqual([debounce?.type, debounce?.default, debounce?.required], [
    "whole number (at least 0, at most 60000)",
    2_000,
    false,
  ]);
  assert.match(debounce?.description ?? "", /burst of messages/);
  assert.equal(find("agents.d/more.yaml", "agents[].id")?.required, true);
  assert.deepEqual(find("agents.yaml", "agents[].inbound_bindings[].groups")?.values, ["off", "mention", "all"]);
  assert.deepEqual(find("agents.yaml", "agents[].heartbeat.enabled")?.values, ["true", "false"]);
  assert.ok(find("llm.yaml", "providers.<name>.kind")?.values?.includes("anthropic"));
  assert.throws(() => desk.options("../secret.yaml"), /Nothing would read/);
});

Deno.test("while another process edits, an edit waits, and sees what that has written", async () => {
  await using room = await openDesk();
  const { version } = await room.find("agents.yaml");
  const other = await Deno.open(room.dir);
  await other.lock(true);
  const applied = room.desk.apply({ path: "agents.yaml", text: "agents: [{ id: two }]\n", base: version });
  await room.clock.untilWaiting(1);
  await Deno.writeTextFile(`${room.dir}/agents.yaml`, "agents: [{ id: one }]\n");
  other.close();
  await room.clock.advance(1_000);
  await rejectsWith("conflict", applied);
  assert.equal((await room.find("agents.yaml")).text, "agents: [{ id: one }]\n");
});

Deno.test("a process that does not end its edit is not waited for without end", async () => {
  await using room = await openDesk();
  const { version } = await room.find("agents.yaml");
  using other = await Deno.open(room.dir);
  await other.lock(true);
  const applied = room.desk.apply({ path: "agents.yaml", text: agents, base: version });
  const refused = rejectsWith("timeout", applied);
  await room.clock.untilWaiting(1);
  room.clock.skip(60_000);
  await room.clock.advance(1_000);
  assert.match((await refused).message, /Another process is editing/);
});
