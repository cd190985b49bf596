import assert from "node:assert/strict";
import { replayDeadLetter } from "../../src/ledger/dead.ts";
import { AppError } from "../../src/core/error.ts";
import { calls } from "../../src/core/topics.ts";
import type { Receipt } from "../../src/core/message.ts";
import { openRoom, type Room, type RoomOptions } from "./room.ts";

const taken = (id: string): Receipt => ({ providerMessageIds: [id] });
const away = (retryAfterMs?: number) =>
  new AppError("unavailable", "the provider is away", retryAfterMs === undefined ? {} : { retryAfterMs });
const rows = (room: Room) => room.rows("SELECT state, unknown FROM outbox ORDER BY id").map((row) => ({ ...row }));

/** Moves the clock on until so many sends were tried. */
async function advanceUntilSent(room: Room, count: number, stepMs = 1_000): Promise<void> {
  for (let step = 0; step < 2_000 && room.sent.length < count; step++) await room.clock.advance(stepMs);
  await room.untilSent(count);
}

Deno.test("replies of one conversation go out in order, those of others do not wait for it", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using room = await openRoom({
    async sending(message) {
      if (message.text.endsWith("slow")) await promise;
      return taken(message.key);
    },
  });
  await room.say("slow");
  await room.say("after");
  await room.say("elsewhere", { conversation: "8" });
  await room.untilSent(2);
  assert.deepEqual(room.sent.map(({ text }) => text).sort(), ["answer to elsewhere", "answer to slow"]);
  resolve();
  await room.untilSent(3);
  assert.equal(room.sent[2]?.text, "answer to after");
});

Deno.test("a send that fails is tried again after a growing wait, under the same key, before those behind it", async () => {
  await using room = await openRoom({
    sending: (message, number) => number <= 3 ? Promise.reject(away()) : Promise.resolve(taken(message.key)),
  });
  await room.say("one");
  await room.say("two");
  await room.untilSent(1);
  const times: number[] = [room.clock.monotonic()];
  for (let count = 2; count <= 4; count++) {
    await advanceUntilSent(room, count, 100);
    times.push(room.clock.monotonic());
  }
  await room.untilSent(5);
  assert.deepEqual(room.sent.map(({ text }) => text), [
    ...Array.from({ length: 4 }, () => "answer to one"),
    "answer to two",
  ]);
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  for (const [index, wait] of waits.entries()) {
    assert.ok(wait >= 500 * 2 ** index && wait <= 1_100 * 2 ** index, `${waits}`);
  }
  assert.equal(room.metrics.valueOf("nexo_outbound_retries_total"), 3);
});

Deno.test("a reply that the ledger does not give away for a moment is neither forgotten nor overtaken", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let failing = false;
  await using room = await openRoom({
    wrapRead: (read) => ({
      ...read,
      get(sql, ...values) {
        if (failing && sql.includes("FROM outbox WHERE id")) throw new Error("disk I/O error");
        return read.get(sql, ...values);
      },
    }),
    async sending(message) {
      if (message.text.endsWith("one")) await promise;
      return taken(message.key);
    },
  });
  await room.say("one");
  await room.say("two");
  await room.until(() => room.rows("SELECT 1 FROM outbox WHERE id = 2")[0]);
  failing = true;
  resolve();
  await room.log.nextEntry(({ event }) => event === "outbox.row_failed", AbortSignal.timeout(60_000));
  await room.say("three");
  await room.until(() => room.rows("SELECT 1 FROM outbox WHERE id = 3")[0]);
  failing = false;
  await advanceUntilSent(room, 3);
  assert.deepEqual(room.sent.map(({ text }) => text), ["answer to one", "answer to two", "answer to three"]);
});

Deno.test("a channel that says when to come back is not asked before", async () => {
  await using room = await openRoom({
    sending: (message, number) => number === 1 ? Promise.reject(away(60_000)) : Promise.resolve(taken(message.key)),
  });
  await room.say("one");
  await room.untilSent(1);
  await room.metrics.untilWritten("nexo_outbound_retries_total", {}, 1, AbortSignal.timeout(60_000));
  await room.clock.advance(59_999);
  assert.equal(room.sent.length, 1);
  await room.clock.advance(1);
  await room.untilSent(2);
});

Deno.test("a message that no retry can save becomes a dead letter and a note to the agent, and frees its queue", async () => {
  await using room = await openRoom({
    sending: (message, number) =>
      number === 1 ? Promise.reject(new AppError("denied", "you were blocked")) : Promise.resolve(taken(message.key)),
  });
  await room.say("one");
  await room.untilIdle();
  assert.deepEqual(room.rows("SELECT hop, kind, agent, session_id FROM dead"), [
    { hop: "outbound", kind: "denied", agent: "ana", session_id: "ana/telegram/sales/7" },
  ]);
  await room.say("two");
  await room.untilIdle();
  const note = room.requests[1]?.messages.at(-2);
  assert.ok(note?.role === "user" && note.content[0]?.type === "text");
  assert.match(note.content[0].text, /The reply "answer to one" could not be delivered: you were blocked/);
  assert.deepEqual(rows(room).map(({ state }) => state), ["dead", "sent"]);
});

Deno.test("a replayed reply is sent again under its old key", async () => {
  await using room = await openRoom({
    sending: (message, number) =>
      number === 1 ? Promise.reject(new AppError("denied", "no")) : Promise.resolve(taken(message.key)),
  });
  await room.say("one");
  await room.untilIdle();
  const nowMs = room.clock.now();
  await room.ledger.commit(replayDeadLetter(room.ledger.read, 1, nowMs, nowMs + 1_000));
  room.agents.outbox.rescan();
  room.agents.outbox.rescan();
  await room.untilSent(2);
  await room.untilIdle();
  assert.equal(room.sent.length, 2);
  assert.equal(room.sent[1]?.key, room.sent[0]?.key);
});

Deno.test("a reply that is too old is never sent by surprise", async () => {
  await using room = await openRoom({
    runtime: { outbound: { max_age: "1h" } },
    sending: () => Promise.reject(away()),
  });
  await room.say("one");
  await room.untilSent(1);
  for (let step = 0; step < 20 && room.rows("SELECT 1 FROM dead").length === 0; step++) {
    await room.clock.advance(300_000);
  }
  const tries = room.sent.length;
  assert.deepEqual(room.rows("SELECT kind, reason FROM dead"), [{ kind: "timeout", reason: "expired" }]);
  await room.clock.advance(3_600_000);
  assert.equal(room.sent.length, tries);
});

Deno.test("an answer that may have shown twenty times is not sent again", async () => {
  await using room = await openRoom({
    idempotent: false,
    sending: () => Promise.reject(new AppError("timeout", "no answer")),
  });
  await room.say("one");
  for (let step = 0; step < 100 && room.rows("SELECT 1 FROM dead").length === 0; step++) {
    await room.clock.advance(300_000);
  }
  assert.equal(room.sent.length, 20);
  assert.deepEqual(room.rows("SELECT attempts FROM dead"), [{ attempts: 20 }]);
});

const markedSent = (unit: readonly { readonly sql: string }[]) => unit.some(({ sql }) => /state = 'sent'/.test(sql));

/** A room that died between a send and writing it down. */
async function openAfterLostAnswer(options: RoomOptions): Promise<Room> {
  const room = await openRoom(options);
  const died = room.dieAt(markedSent, "before");
  await room.say("one");
  await died;
  await room.restart();
  return room;
}

Deno.test("an idempotent channel is sent the same key again after a crash, and nothing is flagged", async () => {
  await using room = await openAfterLostAnswer({});
  await room.untilSent(2);
  await room.untilIdle();
  assert.equal(room.sent[1]?.key, room.sent[0]?.key);
  assert.deepEqual(rows(room), [{ state: "sent", unknown: 0 }]);
});

Deno.test("elsewhere a send whose answer was lost is flagged and sent again", async () => {
  await using room = await openAfterLostAnswer({ idempotent: false });
  await room.untilSent(2);
  await room.untilIdle();
  assert.deepEqual(rows(room), [{ state: "sent", unknown: 1 }]);
  assert.equal(room.metrics.valueOf("nexo_outbound_total", { result: "unknown" }), 1);
});

Deno.test("or left to the operator as a dead letter, where the binding says so, and the queue goes on", async () => {
  const binding = { plugin: "telegram", instance: "sales", open: true, unknown_send: "hold" };
  await using room = await openAfterLostAnswer({ idempotent: false, agents: [{ inbound_bindings: [binding] }] });
  await room.until(() => room.rows("SELECT 1 FROM outbox WHERE state = 'dead'")[0]);
  await room.say("two");
  await room.untilSent(2);
  await room.untilIdle();
  assert.deepEqual(rows(room), [{ state: "dead", unknown: 1 }, { state: "sent", unknown: 0 }]);
  await room.restart();
  await room.say("three");
  await room.untilSent(3);
  assert.equal(room.sent[2]?.text, "answer to three");
});

Deno.test("a channel that can tell what became of a send is asked first", async () => {
  const asked: string[] = [];
  await using room = await openAfterLostAnswer({
    idempotent: false,
    find: (key) => {
      asked.push(key);
      return Promise.resolve(taken("there"));
    },
  });
  await room.untilIdle();
  assert.equal(room.sent.length, 1);
  assert.deepEqual(asked, [room.sent[0]?.key]);
  assert.deepEqual(room.rows("SELECT state, unknown, receipt FROM outbox"), [
    { state: "sent", unknown: 0, receipt: JSON.stringify(taken("there")) },
  ]);
});

Deno.test("a send that had not begun before a crash is not flagged", async () => {
  await using room = await openRoom({ idempotent: false });
  const died = room.dieAt((unit) => unit.some(({ sql }) => /'sending'/.test(sql)), "before");
  await room.say("one");
  await died;
  await room.restart();
  await room.untilSent(1);
  await room.untilIdle();
  assert.deepEqual(rows(room), [{ state: "sent", unknown: 0 }]);
});

Deno.test("a channel that is not there yet is waited for", async () => {
  await using room = await openRoom();
  room.configure({ agents: [{ inbound_bindings: [{ plugin: "telegram", instance: "late", open: true }] }] });
  await room.say("hello", {}, { instance: "late" });
  await room.metrics.untilWritten("nexo_outbound_retries_total", {}, 1, AbortSignal.timeout(60_000));
  const sent = Promise.withResolvers<string>();
  await using _channel = room.bus.respond(calls.send("telegram", "late"), (message) => {
    sent.resolve(message.text);
    return Promise.resolve(taken("there"));
  });
  await room.clock.advance(1_000);
  assert.equal(await sent.promise, "answer to hello");
  await room.untilIdle();
  assert.deepEqual(rows(room), [{ state: "sent", unknown: 0 }]);
});

Deno.test("a send that may have gone through is flagged; a channel that knows better is believed", async () => {
  const known: { receipt?: Receipt } = {};
  await using room = await openRoom({
    idempotent: false,
    find: () => Promise.resolve(known.receipt),
    sending: (message, number) =>
      number % 2 === 1
        ? Promise.reject(new AppError("timeout", "no answer came"))
        : Promise.resolve(taken(message.key)),
  });
  await room.say("one");
  await advanceUntilSent(room, 2);
  await room.untilIdle();
  known.receipt = taken("there");
  await room.say("two");
  await room.untilSent(3);
  await room.untilIdle();
  assert.equal(room.sent.length, 3);
  assert.deepEqual(rows(room), [{ state: "sent", unknown: 1 }, { state: "sent", unknown: 0 }]);
});

Deno.test("closing does not wait for a channel that is away", async () => {
  await using room = await openRoom({ sending: () => Promise.reject(away(3_600_000)) });
  await room.say("one");
  await room.untilSent(1);
  await room.metrics.untilWritten("nexo_outbound_retries_total", {}, 1, AbortSignal.timeout(60_000));
  const before = room.clock.monotonic();
  await room.agents[Symbol.asyncDispose]();
  assert.equal(room.clock.monotonic(), before);
  assert.deepEqual(rows(room).map(({ state }) => state), ["queued"]);
});
