import assert from "node:assert/strict";
import { newModelError, openRoom, type RoomOptions } from "./room.ts";

const beating = (heartbeat: Record<string, unknown> = {}, more = {}): RoomOptions => ({
  agents: [{
    heartbeat: { enabled: true, interval: "5m", prompt: "tick", ...heartbeat },
    inbound_bindings: [{ plugin: "telegram", instance: "sales", open: true }],
    ...more,
  }],
});
const intervalMs = 300_000;
const deliver_to = { plugin: "telegram", instance: "sales", conversation: "boss" };

Deno.test("an agent wakes at its interval, and NOTHING is silence", async () => {
  await using room = await openRoom({ ...beating({ deliver_to }), script: () => "**NOTHING**." });
  await room.clock.untilWaiting(2);
  await room.clock.advance(intervalMs - 1);
  assert.equal(room.requests.length, 0);
  await room.clock.advance(1);
  await room.until(() => room.rows("SELECT 1 FROM turns")[0]);
  await room.untilIdle();
  assert.deepEqual(room.asked(), ["tick"]);
  assert.deepEqual(room.rows("SELECT outcome FROM turns"), [{ outcome: "silent" }]);
  assert.equal(room.sent.length, 0);
});

Deno.test("what an agent has to say goes where the config says", async () => {
  await using room = await openRoom({ ...beating({ deliver_to }), script: () => "The train is late." });
  await room.clock.untilWaiting(2);
  await room.clock.advance(intervalMs);
  await room.untilSent(1);
  assert.deepEqual(room.sent.map(({ conversation, text }) => [conversation, text]), [["boss", "The train is late."]]);
});

Deno.test("without an address it stays in the transcript", async () => {
  await using room = await openRoom({ ...beating(), script: () => "The train is late." });
  await room.clock.untilWaiting(2);
  await room.clock.advance(intervalMs);
  await room.until(() => room.rows("SELECT 1 FROM turns")[0]);
  assert.equal(room.sent.length, 0);
  assert.deepEqual(room.rows("SELECT session_id, role FROM messages").at(-1), {
    session_id: "ana/heartbeat/ana/clock",
    role: "assistant",
  });
});

Deno.test("a heartbeat that fails is the operator's matter: nobody asked", async () => {
  await using room = await openRoom({
    ...beating({ deliver_to }),
    script: () => {
      throw newModelError();
    },
  });
  await room.clock.untilWaiting(2);
  await room.clock.advance(intervalMs);
  await room.until(() => room.rows("SELECT 1 FROM dead")[0]);
  assert.equal(room.sent.length, 0);
});

Deno.test("a heartbeat asks nothing of the model when the budget is used up", async () => {
  await using room = await openRoom(beating({}, { budget: { daily_tokens: 15 } }));
  await room.say("hello");
  await room.untilSent(1);
  await room.clock.advance(intervalMs);
  await room.until(() => room.rows("SELECT 1 FROM dead")[0]);
  assert.equal(room.requests.length, 1);
});

Deno.test("ticks that nobody could take in time are dropped, also behind a long one", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using room = await openRoom({
    ...beating({}, { config: { turn_deadline: "1h" } }),
    async *script() {
      await promise;
      yield { type: "text", text: "NOTHING" };
      yield {
        type: "finish",
        reason: "stop",
        usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
        provider: "f",
        model: "m",
      };
    },
  });
  await room.clock.untilWaiting(2);
  await room.clock.advance(intervalMs);
  await room.until(() => room.requests[0]);
  for (let tick = 2; tick <= 3; tick++) {
    await room.clock.advance(intervalMs);
    await room.until(() => room.rows("SELECT 1 FROM inbox").length === tick ? true : undefined);
  }
  await room.clock.advance(1_000);
  resolve();
  await room.untilIdle();
  assert.deepEqual(room.rows("SELECT outcome FROM inbox ORDER BY id").map(({ outcome }) => outcome), [
    "silent",
    "expired",
    "silent",
  ]);
});

Deno.test("a changed config moves, begins and ends heartbeats", async () => {
  await using room = await openRoom({ ...beating({ enabled: false }), script: () => "NOTHING" });
  await room.clock.advance(intervalMs * 2);
  assert.equal(room.requests.length, 0);
  room.configure(beating({ interval: "1m" }));
  await room.clock.advance(0);
  await room.clock.advance(60_000);
  await room.until(() => room.requests[0]);
  await room.untilIdle();
  room.configure(beating({ enabled: false }));
  await room.clock.advance(0);
  await room.clock.advance(intervalMs);
  assert.equal(room.requests.length, 1);
});
