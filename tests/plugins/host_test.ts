import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { newSecret } from "../../src/core/secret.ts";
import { calls } from "../../src/core/topics.ts";
import { receiveCredits } from "../../src/sdk/protocol.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openTestHost, type TestHost } from "./host_room.ts";
import { newScriptedPlugin, scriptedConfigSchema } from "./scripted_plugin.ts";

function scripted(instance: string, config: object = {}) {
  return { plugin: "scripted", instance, config: scriptedConfigSchema.parse(config) };
}

function stateOf({ host }: TestHost, instance: string) {
  return host.instances().find((view) => view.instance === instance);
}

/** Moves time in steps in which a healthy worker gets to answer each heartbeat. */
async function advance(room: TestHost, ms: number, healthy: string): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    await room.clock.advance(Math.min(left, 5_000));
    await room.send(healthy, "hello");
  }
}

/** Lets three heartbeats go unanswered; the healthy ones get time to answer each. */
async function missHeartbeats(room: TestHost, healthy: string): Promise<void> {
  for (let beat = 1; beat <= 3; beat++) {
    const written = room.metrics.writesOf("nexo_worker_up", { instance: healthy });
    await room.clock.advance(5_000);
    await room.metrics.untilWritten("nexo_worker_up", { instance: healthy }, written + 1, room.signal);
  }
}

Deno.test("plugin host sends through a worker and gives back what the provider said", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  assert.deepEqual(await room.send("sales", "hello"), { providerMessageIds: ["sent hello"] });
  assert.equal(stateOf(room, "sales")?.identity, "@sales");
  assert.deepEqual(room.host.status(), [{ name: "plugin.scripted.sales", critical: false, state: "ok" }]);
});

Deno.test("plugin host tells listeners how an instance stands whenever that changes", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  await room.send("sales", "hello");
  await room.host.apply([]);
  assert.ok(room.bus.shown.every(({ subject }) => subject === "plugin.health.scripted"));
  const base = { plugin: "scripted", instance: "sales" };
  const told = room.bus.shown.map(({ payload }) => payload);
  assert.deepEqual(told[0], { ...base, state: "starting", reason: "Its worker is starting" });
  assert.deepEqual(told.at(-2), { ...base, state: "up", identity: "@sales" });
  assert.deepEqual(told.at(-1), { ...base, state: "down", reason: "It was stopped" });
});

Deno.test("plugin host sends for the instance `default` also where the subject names none", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("default"), scripted("sales")]);
  await room.logged("default", "plugin.ready");
  const message = calls.send("scripted").input.parse({ key: "k", conversation: "7", text: "hello" });
  const receipt = await room.bus.request(calls.send("scripted"), message, { signal: room.signal });
  assert.deepEqual(receipt, { providerMessageIds: ["sent hello"] });
});

Deno.test("plugin host keeps an instance's folder closed to others", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  const { mode } = await Deno.stat(`${room.dataDir}/plugins/scripted/sales`);
  assert.equal((mode ?? 0) & 0o777, 0o700);
});

Deno.test("plugin host carries errors of a channel with their kind and delay", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  const error = await rejectsWith("unavailable", room.send("sales", "fail"));
  assert.deepEqual([error.message, error.retryAfterMs, error.reason], ["try later", 1234, "rate_limited"]);
});

Deno.test("plugin host answers unavailable while a worker starts", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales", { at_start: "wait" })]);
  const error = await rejectsWith("unavailable", room.send("sales", "hello"));
  assert.equal(error.retryAfterMs, 1_000);
});

Deno.test("plugin host acks a message only when the bus has it", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  const resume = room.bus.pause();
  await room.host.apply([scripted("sales", { receives: 1 })]);
  await room.bus.untilWaiting(1, room.signal);
  await room.logged("sales", "plugin.ready");
  assert.deepEqual(await room.send("sales", "still answers"), { providerMessageIds: ["sent still answers"] });
  assert.ok(!room.log.entries.some(({ event }) => event === "scripted.received"));
  resume();
  await room.logged("sales", "scripted.received");
  const [event] = room.bus.published;
  assert.equal(event?.subject, "plugin.inbound.scripted.sales");
  assert.equal(event?.meta.source, "scripted.sales");
  assert.deepEqual(event?.meta.providerKey, {
    plugin: "scripted",
    instance: "sales",
    conversation: "chat",
    messageId: "m1",
  });
});

Deno.test("plugin host acks a message that was accepted before", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales", { receives: 1 })]);
  await room.logged("sales", "scripted.received");
  await room.host.apply([]);
  await room.host.apply([scripted("sales", { receives: 2 })]);
  await room.log.nextEntry(({ event, fields }) => event === "scripted.received" && fields["index"] === 2, room.signal);
  const acks = room.log.entries.filter(({ event }) => event === "scripted.received").map(({ fields }) =>
    fields["index"]
  );
  assert.deepEqual(acks, [1, 1, 2]);
  assert.equal(room.bus.published.length, 2);
});

Deno.test("plugin host hands the bus's refusal to the worker", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  room.bus.refuseNext(new AppError("unavailable", "the disk is full"));
  await room.host.apply([scripted("sales", { receives: 1 })]);
  const { fields } = await room.log.nextEntry(({ event }) => event === "scripted.refused", room.signal);
  assert.equal(fields["kind"], "unavailable");
});

Deno.test("plugin host holds acks while intake is paused and lets no more come in than it gave credits for", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  const resume = room.pauseIntake();
  await room.host.apply([scripted("sales", { receives: receiveCredits + 10 })]);
  await room.logged("sales", "plugin.ready");
  assert.deepEqual(await room.send("sales", "sends go on"), { providerMessageIds: ["sent sends go on"] });
  assert.equal(room.bus.published.length, 0);
  resume();
  await room.log.nextEntry(({ fields }) => fields["index"] === receiveCredits + 10, room.signal);
  assert.equal(room.bus.published.length, receiveCredits + 10);
});

Deno.test("plugin host ends a worker that hands over more than it may", async () => {
  await using room = await openTestHost(newScriptedPlugin("flooding.ts"));
  room.pauseIntake();
  await room.host.apply([scripted("sales")]);
  const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.ended", room.signal);
  assert.match(String(fields["error"]), /more messages than it had credits for/);
});

Deno.test("plugin host ends a worker that does not speak its protocol", async () => {
  await using room = await openTestHost(newScriptedPlugin("babbling.ts"));
  await room.host.apply([scripted("sales")]);
  const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.ended", room.signal);
  assert.equal(fields["reason"], "crashed");
});

Deno.test("a plugin that fails at its start harms no other and is started again with growing delays", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("bad", { at_start: "throw" }), scripted("good")]);
  await room.logged("good", "plugin.ready");
  const delays: number[] = [];
  for (let failures = 1; failures <= 8; failures++) {
    const count = () => room.log.entries.filter(({ event }) => event === "plugin.ended").length;
    await room.log.nextEntry(() => count() === failures, room.signal);
    const last = room.log.entries.findLast(({ event }) => event === "plugin.ended");
    assert.match(String(last?.fields["error"]), /refused the token/);
    delays.push(Number(last?.fields["restartInMs"]));
    assert.equal(stateOf(room, "bad")?.state, "down");
    await advance(room, Number(last?.fields["restartInMs"]) + 1, "good");
  }
  for (const [index, delay] of delays.entries()) {
    const ceiling = Math.min(1_000 * 2 ** index, 60_000);
    assert.ok(delay >= ceiling / 2 && delay <= ceiling, `${delay} of ${ceiling}`);
  }
  assert.equal(stateOf(room, "good")?.restarts, 0);
  assert.equal(room.metrics.valueOf("nexo_worker_restarts_total", { instance: "bad", reason: "start_failed" }), 8);
});

Deno.test("a plugin that is not ready after 20 s is started again", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("slow", { at_start: "wait" }), scripted("good")]);
  await room.logged("good", "plugin.ready");
  for (let second = 0; second < 20; second += 5) {
    const written = room.metrics.writesOf("nexo_worker_up", { instance: "slow" });
    await room.clock.advance(5_000);
    if (second < 15) await room.metrics.untilWritten("nexo_worker_up", { instance: "slow" }, written + 1, room.signal);
  }
  const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.ended", room.signal);
  assert.equal(fields["reason"], "start_failed");
});

Deno.test("a plugin that throws later is started again and its open calls fail as unavailable", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales"), scripted("other")]);
  await room.logged("sales", "plugin.ready");
  await room.logged("other", "plugin.ready");
  const open = room.send("sales", "hang");
  open.catch(() => {});
  await room.send("sales", "throw");
  await rejectsWith("unavailable", open);
  assert.equal(stateOf(room, "sales")?.state, "down");
  assert.deepEqual(await room.send("other", "hello"), { providerMessageIds: ["sent hello"] });
  await room.clock.advance(1_000);
  await room.log.nextEntry(({ event, fields }) => event === "plugin.ready" && fields["restarts"] === 1, room.signal);
  assert.deepEqual(await room.send("sales", "back"), { providerMessageIds: ["sent back"] });
  assert.equal(room.metrics.valueOf("nexo_worker_restarts_total", { instance: "sales", reason: "crashed" }), 1);
});

Deno.test("a plugin that spins is replaced after 15 s without an answer, and its status says so", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales"), scripted("other")]);
  await room.logged("sales", "plugin.ready");
  await room.logged("other", "plugin.ready");
  const open = room.send("sales", "spin enough");
  open.catch(() => {});
  await room.logged("sales", "scripted.spins");
  await missHeartbeats(room, "other");
  // The one before the spin was answered.
  await room.clock.advance(5_000);
  await rejectsWith("unavailable", open);
  await Deno.writeTextFile(`${room.dataDir}/plugins/scripted/sales/enough`, "");
  await room.clock.advance(1_000);
  await room.log.nextEntry(({ event, fields }) => event === "plugin.ready" && fields["restarts"] === 1, room.signal);
  assert.match(stateOf(room, "sales")?.reason ?? "", /a core until the process restarts/);
  assert.equal(room.metrics.valueOf("nexo_worker_restarts_total", { instance: "sales", reason: "hung" }), 1);
  assert.equal(stateOf(room, "other")?.restarts, 0);
});

for (const module of ["silent.ts", "leaving.ts"]) {
  Deno.test(`a worker that leaves or stays without a word is found by its heartbeat (${module})`, async () => {
    await using room = await openTestHost(newScriptedPlugin(module), newScriptedPlugin("scripted.ts", "other"));
    await room.host.apply([scripted("sales"), { ...scripted("well"), plugin: "other" }]);
    await room.logged("well", "plugin.ready");
    await missHeartbeats(room, "well");
    const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.ended", room.signal);
    assert.deepEqual([fields["instance"], fields["reason"]], ["sales", "hung"]);
  });
}

Deno.test("a plugin that exits is heard of at once", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  await rejectsWith("unavailable", room.send("sales", "exit"));
  const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.ended", room.signal);
  assert.deepEqual([fields["reason"], fields["error"]], ["left", "It ended itself with Deno.exit()"]);
});

Deno.test("a plugin that logs without end is cut short, and the log says by how much", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  await room.send("sales", "chatter");
  assert.ok(room.log.entries.filter(({ event }) => event === "scripted.chatter").length <= 500);
  await room.clock.advance(5_000);
  const { fields } = await room.log.nextEntry(({ event }) => event === "plugin.log_dropped", room.signal);
  assert.ok(Number(fields["dropped"]) >= 100);
});

Deno.test("a plugin host's send is aborted in the worker when its caller gives up or its time is over", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  const caller = new AbortController();
  const message = { key: "k", conversation: "7", sessionId: "s", turnId: "t", text: "hang" };
  const input = { ...message, inReplyTo: [], outcome: "answered" as const };
  const open = room.bus.request(calls.send("scripted", "sales"), input, { signal: caller.signal });
  open.catch(() => {});
  caller.abort();
  await rejectsWith("cancelled", open);
  await room.logged("sales", "scripted.aborted");
});

Deno.test("plugin host gives a worker its secrets by name and nothing of them in its config", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales", { token: "s3cret" })]);
  await room.logged("sales", "plugin.ready");
  assert.deepEqual(await room.send("sales", "secret token"), { providerMessageIds: ["s3cret"] });
  await rejectsWith("missing", room.send("sales", "secret other"));
  const { providerMessageIds: [config = ""] } = await room.send("sales", "config");
  assert.ok(config.includes("[secret]") && !config.includes("s3cret"), config);
});

Deno.test("plugin host applies a change by touching only what changed", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  const ready = () =>
    room.log.entries.filter(({ event }) => event === "plugin.ready").map(({ fields }) => fields["instance"]);
  await room.host.apply([scripted("stays"), scripted("changes"), scripted("goes")]);
  for (const instance of ["stays", "changes", "goes"]) await room.logged(instance, "plugin.ready");
  await room.host.apply([
    scripted("stays"),
    { ...scripted("changes"), config: { ...scripted("x").config, token: newSecret("another") } },
    scripted("comes"),
  ]);
  await room.logged("comes", "plugin.ready");
  await room.log.nextEntry(() => ready().filter((instance) => instance === "changes").length === 2, room.signal);
  assert.deepEqual(ready().filter((instance) => instance === "stays"), ["stays"]);
  assert.deepEqual(room.host.instances().map(({ instance }) => instance), ["stays", "changes", "comes"]);
  await rejectsWith("missing", room.send("goes", "hello"));
  assert.deepEqual(await room.send("changes", "secret token"), { providerMessageIds: ["another"] });
});

Deno.test("an instance that was taken out of the config counts no more as down; one that cannot be opened does", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  const written = (instance: string) => room.metrics.writesOf("nexo_worker_up", { instance });
  await room.host.apply([scripted("stays"), scripted("goes"), { ...scripted("lost"), plugin: "unknown" }]);
  for (const instance of ["stays", "goes"]) await room.logged(instance, "plugin.ready");
  assert.deepEqual([written("goes") > 0, written("lost")], [true, 1]);
  await room.host.apply([scripted("stays")]);
  assert.deepEqual([written("stays") > 0, written("goes"), written("lost")], [true, 0, 0]);
});

Deno.test("plugin host opens one instance anew on demand, and touches no other", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("main"), scripted("other")]);
  for (const instance of ["main", "other"]) await room.logged(instance, "plugin.ready");
  const ready = () =>
    room.log.entries.filter(({ event }) => event === "plugin.ready").map(({ fields }) => fields["instance"]);
  await room.host.reopen({ plugin: "scripted", instance: "main" }, false);
  await room.log.nextEntry(() => ready().filter((instance) => instance === "main").length === 2, room.signal);
  assert.deepEqual(ready().filter((instance) => instance === "other"), ["other"]);
  await rejectsWith("missing", room.host.reopen({ plugin: "scripted", instance: "none" }, false));
  await rejectsWith("invalid", room.host.reopen({ plugin: "scripted", instance: "main" }, true));
  assert.deepEqual(room.host.instances().map(({ instance }) => instance).toSorted(), ["main", "other"]);
});

Deno.test("plugin host shows an instance that it cannot open", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([{ plugin: "carrier_pigeon", instance: "one", config: {} }, scripted("good")]);
  await room.logged("good", "plugin.ready");
  assert.equal(stateOf(room, "one")?.state, "down");
  assert.match(stateOf(room, "one")?.reason ?? "", /no plugin "carrier_pigeon".*scripted/);
});

Deno.test("plugin host stops receiving and still sends, also with a worker that started again", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  await room.host.stopReceiving();
  await room.logged("sales", "scripted.stopped");
  assert.deepEqual(await room.send("sales", "hello"), { providerMessageIds: ["sent hello"] });
});

Deno.test("plugin host lets a plugin close when it is disposed", async () => {
  const room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  await room[Symbol.asyncDispose]();
  assert.ok(room.log.entries.some(({ event }) => event === "scripted.disposed"));
  assert.equal(room.clock.waiting, 0);
});

Deno.test("plugin host hands out fetched files of the instance's own folder only", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  const fetchFile = (ref: string, maxBytes = 100) =>
    room.bus.request(calls.fetch("scripted", "sales"), { ref, maxBytes }, { signal: room.signal });
  const file = await fetchFile("photo.txt");
  assert.equal(file.sizeBytes, 4);
  assert.equal(await Deno.readTextFile(file.path), "four");
  await rejectsWith("denied", fetchFile("/etc/hostname"));
  await rejectsWith("denied", fetchFile("photo.txt", 3));
  await Deno.symlink("/etc/hostname", `${room.dataDir}/plugins/scripted/sales/link`);
  await rejectsWith("denied", fetchFile(`${room.dataDir}/plugins/scripted/sales/link`));

  const readPiece = async (path: string, offset: number, maxBytes: number) => {
    const { base64 } = await room.bus.request(calls.read("scripted", "sales"), { path, offset, maxBytes }, room);
    return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  };
  const pieces = [[0, 3], [3, 3], [4, 3], [9, 3]].map(([offset = 0, size = 0]) => readPiece(file.path, offset, size));
  assert.deepEqual(await Promise.all(pieces), ["fou", "r", "", ""]);
  await rejectsWith("denied", readPiece("/etc/hostname", 0, 3));
  await rejectsWith("denied", readPiece(`${room.dataDir}/plugins/scripted/sales/link`, 0, 3));
  await rejectsWith("missing", readPiece(`${file.path}.gone`, 0, 3));
});

Deno.test("plugin host answers find and typing for a plugin that has neither", async () => {
  await using room = await openTestHost(newScriptedPlugin());
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  const { signal } = room;
  assert.deepEqual(await room.bus.request(calls.find("scripted", "sales"), { key: "k" }, { signal }), {});
  const typing = await room.bus.request(calls.typing("scripted", "sales"), { conversation: "7" }, { signal });
  assert.deepEqual(typing, { shown: false });
});

Deno.test("a worker is refused everything that its plugin did not ask for", async () => {
  await using room = await openTestHost(newScriptedPlugin("probing.ts"));
  await room.host.apply([scripted("sales")]);
  await room.logged("sales", "plugin.ready");
  const { providerMessageIds: attempts } = await room.send("sales", "list");
  assert.ok(attempts.length > 10);
  for (const attempt of attempts) {
    assert.equal((await room.send("sales", attempt)).providerMessageIds[0], "refused", attempt);
  }
});
