import assert from "node:assert/strict";
import type { Arrival } from "../../src/agent/arrival.ts";
import { newLanes } from "../../src/agent/lanes.ts";
import { AppError } from "../../src/core/error.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { callTools, finish, hang, lastText, newTool, openRoom, type RoomOptions, type Script } from "./room.ts";

/** A model whose answers wait until the test lets them go. */
function newGate(): { readonly script: Script; release(count?: number): void } {
  const waiting: (() => void)[] = [];
  let free = 0;
  return {
    async *script(request) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      yield { type: "text", text: `answer to ${lastText(request)}` };
      yield finish();
    },
    release(count = 1) {
      for (let index = 0; index < count; index++) {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}

const debounced = (config: Record<string, unknown>): RoomOptions => ({ agents: [{ config }] });

Deno.test("a burst of messages becomes one turn", async () => {
  await using room = await openRoom(debounced({ debounce_ms: 2_000 }));
  await room.say("one");
  await room.clock.advance(1_500);
  await room.say("two");
  await room.clock.advance(1_999);
  assert.equal(room.requests.length, 0);
  await room.clock.advance(1);
  await room.untilSent(1);
  await room.untilIdle();
  assert.deepEqual(room.asked(), ["one\ntwo"]);
  assert.deepEqual(room.sent[0]?.inReplyTo, ["m1", "m2"]);
});

Deno.test("a burst that never pauses is cut, so that a chatterbox gets an answer", async () => {
  await using room = await openRoom(debounced({ debounce_ms: 2_000 }));
  for (let index = 0; index < 40; index++) {
    await room.say(`${index}`);
    await room.clock.advance(1_000);
  }
  await room.untilSent(1);
  assert.ok((room.sent[0]?.inReplyTo.length ?? 0) >= 25);
});

Deno.test("without debounce each message has a turn of its own, also when the clock goes back between them", async () => {
  await using room = await openRoom({ ...debounced({ debounce_ms: 0 }), script: hang });
  for (const text of ["one", "two", "three"]) await room.say(text);
  await room.ledger.commit([{ sql: "UPDATE inbox SET received_at = received_at - 60000 * id", values: [] }]);
  await room.restart({ script: (request) => lastText(request) });
  await room.untilSent(3);
  assert.deepEqual(room.sent.map(({ inReplyTo }) => inReplyTo), [["m1"], ["m2"], ["m3"]]);
});

Deno.test("in mode queue, what comes while a turn runs is answered afterwards, in order", async () => {
  const gate = newGate();
  await using room = await openRoom({ script: gate.script });
  for (const text of ["one", "two", "three"]) await room.say(text);
  gate.release(3);
  await room.untilSent(3);
  assert.deepEqual(room.sent.map(({ text }) => text), ["answer to one", "answer to two", "answer to three"]);
});

Deno.test("in mode merge, what comes while a turn runs becomes one turn", async () => {
  const gate = newGate();
  await using room = await openRoom({ agents: [{ config: { mode: "merge" } }], script: gate.script });
  await room.say("one");
  await room.until(() => room.requests[0]);
  await room.say("two");
  await room.clock.advance(60_000);
  await room.say("three");
  gate.release(2);
  await room.untilSent(2);
  assert.deepEqual(room.sent.map(({ inReplyTo }) => inReplyTo), [["m1"], ["m2", "m3"]]);
});

Deno.test("in mode steer, a message joins the running turn before its next model call", async () => {
  const called = Promise.withResolvers<void>();
  const steered = Promise.withResolvers<void>();
  await using room = await openRoom({
    agents: [{ config: { mode: "steer" }, allowed_tools: ["work"] }],
    script: (request) => {
      const tools = request.messages.filter(({ role }) => role === "tool").length;
      return tools === 0 ? callTools(["work"]) : `heard ${lastText(request)}`;
    },
    tools: [newTool("work", {
      async run() {
        called.resolve();
        await steered.promise;
        return { content: [{ type: "text", text: "worked" }] };
      },
    })],
  });
  await room.say("start");
  await called.promise;
  await room.say("stop that");
  steered.resolve();
  await room.untilSent(1);
  await room.untilIdle();
  assert.equal(room.sent[0]?.text, "heard stop that");
  assert.deepEqual(room.sent[0]?.inReplyTo, ["m1", "m2"]);
  assert.deepEqual(room.rows("SELECT state FROM inbox"), [{ state: "done" }, { state: "done" }]);
  assert.deepEqual(room.rows("SELECT count(*) AS n FROM turns"), [{ n: 1 }]);
});

Deno.test("sessions run side by side, messages of one session one after the other", async () => {
  const gate = newGate();
  await using room = await openRoom({ script: gate.script });
  for (const conversation of ["1", "2", "3"]) {
    await room.say(`first of ${conversation}`, { conversation });
    await room.say(`second of ${conversation}`, { conversation });
  }
  await room.until(() => room.requests.length === 3 ? true : undefined);
  assert.deepEqual([...room.asked()].sort(), ["first of 1", "first of 2", "first of 3"]);
  gate.release(6);
  await room.untilSent(6);
  for (const conversation of ["1", "2", "3"]) {
    const texts = room.sent.filter((message) => message.conversation === conversation).map(({ text }) => text);
    assert.deepEqual(texts, [`answer to first of ${conversation}`, `answer to second of ${conversation}`]);
  }
});

Deno.test("no more turns run at once than the limit says, and the limit may change", async () => {
  const gate = newGate();
  const limit = (max_parallel_turns: number) => ({ limits: { max_parallel_turns } });
  await using room = await openRoom({ script: gate.script, runtime: limit(2) });
  for (let chat = 1; chat <= 6; chat++) await room.say("hello", { conversation: `${chat}` });
  await room.until(() => room.requests.length === 2 ? true : undefined);
  await room.clock.advance(1_000);
  assert.equal(room.requests.length, 2);
  gate.release();
  await room.until(() => room.requests.length === 3 ? true : undefined);
  await room.untilSent(1);
  assert.equal(room.metrics.valueOf("nexo_turns_running"), 2);
  room.configure({ runtime: limit(4) });
  gate.release();
  await room.until(() => room.requests.length === 6 ? true : undefined);
  gate.release(4);
  await room.untilSent(6);
});

Deno.test("many messages in few conversations are all answered, in order", async () => {
  await using room = await openRoom();
  const chats = ["1", "2", "3", "4", "5"];
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => room.say(`${index}`, { conversation: chats[index % 5] })),
  );
  await room.untilSent(200);
  await room.untilIdle();
  for (const chat of chats) {
    const answers = room.sent.filter(({ conversation }) => conversation === chat).map(({ text }) => text);
    const wanted = Array.from({ length: 40 }, (_, index) => `answer to ${index * 5 + chats.indexOf(chat)}`);
    assert.deepEqual(answers, wanted);
  }
});

Deno.test("a resumed turn whose rows cannot be read for a moment is run as soon as they can", async () => {
  const clock = newFakeClock();
  const log = newRecordedLog();
  let reads = 0;
  const ran = Promise.withResolvers<number>();
  const lanes = newLanes({
    clock,
    log,
    metrics: newRecordedMetrics(),
    rules: () => ({ debounceMs: 0, mode: "queue" }),
    maxParallel: () => 1,
    siblings(arrival) {
      if (++reads === 1) throw new AppError("unavailable", "the disk is away");
      return [arrival];
    },
    mayJoin: () => false,
    run: (batch) => Promise.resolve(ran.resolve(batch.length)),
  });
  lanes.push(newArrival({ rowId: 1, turnId: "t1" }));
  await clock.untilWaiting(1);
  await clock.advance(1_000);
  assert.equal(await ran.promise, 1);
  await lanes.stop(0);
});

Deno.test("what comes in the moment in which a lane runs empty is answered, whichever moment that is", async () => {
  for (let ticks = 0; ticks < 40; ticks++) {
    const ran: number[] = [];
    const second = Promise.withResolvers<void>();
    const lanes = newLanes({
      clock: newFakeClock(),
      log: newRecordedLog(),
      metrics: newRecordedMetrics(),
      rules: () => ({ debounceMs: 0, mode: "queue" }),
      maxParallel: () => 1,
      siblings: (arrival) => [arrival],
      mayJoin: () => false,
      run(batch) {
        ran.push(batch.length);
        if (ran.length === 2) second.resolve();
        else void pushLater();
        return Promise.resolve();
      },
    });
    const pushLater = async () => {
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      lanes.push(newArrival({ rowId: 2 }));
    };
    lanes.push(newArrival({ rowId: 1 }));
    // Everything here happens before any timer fires.
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => late.reject(new Error(`after ${ticks} ticks: the second was never answered`)), 0);
    await Promise.race([second.promise, late.promise]);
    clearTimeout(timer);
    await lanes.stop(0);
  }
});

function newArrival({ rowId, turnId }: { readonly rowId: number; readonly turnId?: string }): Arrival {
  const session = { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" };
  const event = { id: "e", subject: "plugin.inbound.telegram.sales", source: "test", at: "", payload: {} };
  return {
    delivery: { event, rowId, receivedAtMs: 0, turnId, attempts: 0 },
    isInherited: true,
    source: "message",
    session,
    sessionId: "ana/telegram/sales/7",
    text: "hello",
    attachments: [],
    sender: undefined,
    person: undefined,
    isGroup: false,
    isEdit: false,
    providerMessageId: undefined,
    quoted: undefined,
    history: [],
    reply: undefined,
    chain: [],
    deadlineAtMs: undefined,
    traceparent: undefined,
  };
}
