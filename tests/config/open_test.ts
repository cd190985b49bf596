import assert from "node:assert/strict";
import { join } from "node:path";
import { type ConfigDeps, openConfig } from "../../src/config/open.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { chat } from "./loading.ts";

const quick = "reload: { debounce: 20ms }\n";
const agents = (...ids: readonly string[]) => `agents: [${ids.map((id) => `{ id: ${id} }`).join(", ")}]\n`;

/** Ends a test that waits for something that does not come. */
const patience = () => AbortSignal.timeout(60_000);

async function openRoom(files: Readonly<Record<string, string>>) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openConfigFolder({ "runtime.yaml": quick, ...files }));
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const deps: ConfigDeps = { dir: folder.dir, env: {}, plugins: [chat], log, metrics, clock: systemClock };
  const config = stack.use(await openConfig(deps, new AbortController().signal));
  const parts = stack.move();
  return { folder, log, metrics, config, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

const seen = (log: RecordedLog, event: string) => log.nextEntry((entry) => entry.event === event, patience());
const applied = (log: RecordedLog, generation: number) =>
  log.nextEntry((entry) => entry.event === "config.applied" && entry.fields.generation === generation, patience());

Deno.test("an edit is picked up live, with a new generation", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  assert.equal(room.config.live.current.config.generation, 1);
  await room.folder.write("agents.yaml", agents("ana", "bob"));
  await applied(room.log, 2);
  assert.deepEqual(room.config.live.current.config.agents.map(({ id }) => id), ["ana", "bob"]);
  assert.equal(room.metrics.valueOf("nexo_config_generation"), 2);
  assert.equal(room.metrics.valueOf("nexo_config_reloads_total", { result: "applied" }), 1);
});

Deno.test("an edit in place and folders that come later are picked up too", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  await Deno.writeTextFile(join(room.folder.dir, "agents.yaml"), agents("anna"));
  await applied(room.log, 2);
  await room.folder.write("agents.d/bob.yaml", agents("bob"));
  await applied(room.log, 3);
  await room.folder.write("agents.d/bob.yaml", agents("bert"));
  await applied(room.log, 4);
  await room.folder.write("plugins/chat.yaml", "chat: { token: t }");
  await applied(room.log, 5);
  await room.folder.remove("agents.d/bob.yaml");
  await applied(room.log, 6);
  assert.deepEqual(room.config.live.current.config.agents.map(({ id }) => id), ["anna"]);
});

Deno.test("a faulty edit is refused with the old config in force, and put right by the next", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  assert.deepEqual(room.config.status(), { name: "config", state: "ok", critical: false });
  const before = room.config.live.current;

  await room.folder.write("agents.yaml", "agents: [{ id: ana, modle: auto }, { id: Bob }]\n");
  const refused = await seen(room.log, "config.refused");
  assert.equal(refused.fields.faults, 2);
  assert.equal(room.config.live.current, before);
  const status = room.config.status();
  assert.equal(status.state, "degraded");
  assert.match(
    status.reason ?? "",
    /refused \(2 faults\), generation 1 .*agents\.yaml:1:21 agents\[0\]\.modle: unknown key/,
  );
  assert.equal(room.metrics.valueOf("nexo_config_reloads_total", { result: "refused" }), 1);

  await room.folder.write("agents.yaml", agents("ana", "bob"));
  await applied(room.log, 2);
  assert.equal(room.config.status().state, "ok");
});

Deno.test("taking a faulty edit back restores the status without a new generation", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  await room.folder.write("agents.yaml", "agents: 5");
  await seen(room.log, "config.refused");
  await room.folder.write("agents.yaml", agents("ana"));
  await seen(room.log, "config.restored");
  assert.equal(room.config.status().state, "ok");
  assert.equal(room.config.live.current.config.generation, 1);
});

Deno.test("an edit that changes nothing makes no generation but moves the origins", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  const before = room.config.live.current.config;
  await room.folder.write("agents.yaml", `# a comment\n${agents("ana")}`);
  assert.deepEqual(await room.config.reload(), { result: "unchanged" });
  assert.equal(room.config.live.current.config, before);
  const origin = room.config.live.current.origins.get("agents.ana.id");
  assert(origin?.kind === "file" && origin.line === 2);
});

Deno.test("agents that an edit does not touch keep their identity", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana", "bob") });
  const [ana, bob] = room.config.live.current.config.agents;
  await room.folder.write("agents.yaml", "agents: [{ id: bob }, { id: ana, language: es }]");
  await room.config.reload();
  const [bobNow, anaNow] = room.config.live.current.config.agents;
  assert.equal(bobNow, bob);
  assert.notEqual(anaNow, ana);
});

Deno.test("a changed secret file is a changed config", async () => {
  await using room = await openRoom({
    "agents.yaml": agents("ana"),
    "plugins/chat.yaml": "chat:\n  token: ${file:secrets/chat}\n",
    "secrets/chat": "old",
  });
  await room.folder.write("secrets/chat", "new");
  await applied(room.log, 2);
});

Deno.test("what a running process cannot take over is named", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  await room.folder.write(
    "runtime.yaml",
    `${quick}http: { admin: "127.0.0.1:1" }\nlog: { format: json }\nlimits: { max_ledger_bytes: 5000000 }\n`,
  );
  const { fields } = await seen(room.log, "config.restart_needed");
  assert.equal(fields.paths, "runtime.http.admin runtime.limits.max_ledger_bytes");
});

Deno.test("a folder that is replaced as a whole is said to be out of sight", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  await Deno.rename(room.folder.dir, `${room.folder.dir}.old`);
  await seen(room.log, "config.refused");
  assert.match(room.config.status().reason ?? "", /the config folder cannot be read: there is no such file/);
  await Deno.mkdir(room.folder.dir);
  await room.folder.write("agents.yaml", agents("bob"));
  await room.config.reload();
  assert.equal(room.config.live.current.config.agents[0]?.id, "bob");
  assert.match(room.config.status().reason ?? "", /moved or removed.*Restart/);
});

Deno.test("with reload off only an explicit reload reads the folder", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana"), "runtime.yaml": "reload: { enabled: false }" });
  await room.folder.write("agents.yaml", agents("bob"));
  assert.equal(room.config.live.current.config.generation, 1);
  assert.deepEqual(await room.config.reload(), { result: "applied", generation: 2, restartNeeded: [] });
});

Deno.test("reloads at the same time run one after the other", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana"), "runtime.yaml": "reload: { enabled: false }" });
  await room.folder.write("agents.yaml", agents("bob"));
  const outcomes = await Promise.all([room.config.reload(), room.config.reload(), room.config.reload()]);
  assert.deepEqual(outcomes.map(({ result }) => result), ["applied", "unchanged", "unchanged"]);
});

Deno.test("readers of the live config are told", async () => {
  await using room = await openRoom({ "agents.yaml": agents("ana") });
  const changes = room.config.live.changes(patience())[Symbol.asyncIterator]();
  const next = changes.next();
  await room.folder.write("agents.yaml", agents("bob"));
  const { value } = await next;
  assert(value !== undefined);
  assert.equal(value.config.agents[0]?.id, "bob");
  await changes.return?.();
});

Deno.test("a first load with faults throws the whole report and leaves nothing open", async () => {
  await using folder = await openConfigFolder({ "agents.yaml": "agents: [{ id: A }, { id: B }]" });
  const deps = {
    dir: folder.dir,
    env: {},
    plugins: [],
    log: newRecordedLog(),
    metrics: newRecordedMetrics(),
    clock: systemClock,
  };
  await assert.rejects(openConfig(deps, new AbortController().signal), {
    kind: "invalid",
    message: /^Cannot load config: 2 faults\n.*agents\[0\]\.id.*\n.*Remedy: .*\n.*agents\[1\]\.id/,
  });
});

Deno.test("the signal ends the watch, and disposing twice is harmless", async () => {
  await using folder = await openConfigFolder({ "agents.yaml": agents("ana") });
  const stop = new AbortController();
  const log = newRecordedLog();
  const deps = { dir: folder.dir, env: {}, plugins: [], log, metrics: newRecordedMetrics(), clock: systemClock };
  const config = await openConfig(deps, stop.signal);
  stop.abort();
  await config[Symbol.asyncDispose]();
  await config[Symbol.asyncDispose]();
  assert.deepEqual(log.entries.filter(({ level }) => level === "error"), []);
});

Deno.test("warnings are logged at the start", async () => {
  await using folder = await openConfigFolder({
    "agents.yaml": agents("ana"),
    "plugins/chat.yaml": "chat:\n  token: ${file:token}\n",
    token: "t",
  });
  await Deno.chmod(join(folder.dir, "token"), 0o644);
  const log = newRecordedLog();
  const deps = { dir: folder.dir, env: {}, plugins: [chat], log, metrics: newRecordedMetrics(), clock: systemClock };
  await using _config = await openConfig(deps, new AbortController().signal);
  const [warning] = log.entries.filter(({ event }) => event === "config.warning");
  assert.match(String(warning?.fields.remedy), /chmod 600/);
});
