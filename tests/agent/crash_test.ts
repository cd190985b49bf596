import assert from "node:assert/strict";
import type { Statement } from "../../src/core/ledger.ts";
import type { ToolEffect } from "../../src/core/tool.ts";
import { newHistory } from "../../src/ledger/history.ts";
import { callTools, lastText, newTool, openRoom, type RoomOptions } from "./room.ts";

const has = (pattern: RegExp) => (unit: readonly Statement[]) => unit.some(({ sql }) => pattern.test(sql));
const points = {
  T1: has(/INSERT INTO inbox/),
  T2: has(/'tool', 'started'/),
  T3: has(/UPDATE steps/),
  T4: has(/INSERT INTO outbox/),
  T5: has(/state = 'sent'/),
} as const;

/** A turn with one tool call; `runs` gathers the idempotency keys of its runs. */
function newToolTurn(effect: ToolEffect, runs: string[]): RoomOptions {
  return {
    agents: [{ allowed_tools: ["probe"] }],
    tools: [newTool("probe", {
      effect,
      run: (_input, { idempotencyKey }) => {
        runs.push(idempotencyKey);
        return Promise.resolve({ content: [{ type: "text", text: "probed" }] });
      },
    })],
    script: (request) => {
      const text = lastText(request);
      return request.messages.at(-1)?.role === "tool" ? `seen: ${text}` : callTools(["probe"]);
    },
  };
}

for (const point of ["T1", "T2", "T3", "T4", "T5"] as const) {
  for (const when of ["before", "after"] as const) {
    Deno.test(`a crash ${when} ${point} leads to one turn and one reply`, async () => {
      const runs: string[] = [];
      await using room = await openRoom(newToolTurn("idempotent", runs));
      const died = room.dieAt(points[point], when);
      const said = room.say("hello");
      said.catch(() => {}); // a publish that died tells nobody
      await died;
      await room.restart();
      // What was not accepted is sent again by its channel.
      if (point === "T1") await room.say("hello", { providerMessageId: "m1" });
      await room.until(() => room.rows("SELECT 1 FROM outbox WHERE state = 'sent'")[0]);
      await room.untilIdle();
      assert.deepEqual(room.rows("SELECT state, outcome FROM inbox"), [{ state: "done", outcome: "answered" }]);
      assert.deepEqual(room.rows("SELECT count(*) AS n FROM outbox"), [{ n: 1 }]);
      assert.deepEqual(room.rows("SELECT state FROM turns"), [{ state: "done" }]);
      assert.deepEqual(room.rows("SELECT role FROM messages ORDER BY id").map(({ role }) => role), [
        "user",
        "assistant",
        "tool",
        "assistant",
      ]);
      assert.equal(new Set(room.sent.map(({ key }) => key)).size, 1);
      assert.equal(room.sent[0]?.text, "seen: probed");
      assert.equal(new Set(runs).size, 1);
      assert.deepEqual(room.rows("SELECT calls FROM usage"), [{ calls: 2 }]);
    });
  }
}

for (const effect of ["none", "idempotent", "once"] as const) {
  Deno.test(`a tool of effect ${effect} that a crash interrupted is ${effect === "once" ? "not " : ""}run again`, async () => {
    const runs: string[] = [];
    await using room = await openRoom(newToolTurn(effect, runs));
    const died = room.dieAt(points.T3, "before");
    await room.say("hello");
    await died;
    await room.restart();
    await room.untilSent(1);
    await room.untilIdle();
    assert.equal(runs.length, effect === "once" ? 1 : 2);
    assert.equal(new Set(runs).size, 1);
    assert.equal(room.requests.length, 2, "the journaled answer is not asked again");
    const [reply] = room.sent;
    assert.match(reply?.text ?? "", effect === "once" ? /interrupted .* outcome is unknown/ : /probed/);
    assert.equal(room.metrics.valueOf("nexo_tool_calls_total", { outcome: "interrupted" }), effect === "once" ? 1 : 0);
    assert.equal(room.metrics.valueOf("nexo_turns_resumed_total"), 1);
  });
}

Deno.test("a tool's result that was journaled is not asked for again", async () => {
  const runs: string[] = [];
  await using room = await openRoom(newToolTurn("once", runs));
  const died = room.dieAt(points.T3, "after");
  await room.say("hello");
  await died;
  await room.restart();
  await room.untilSent(1);
  assert.equal(runs.length, 1);
  assert.equal(room.sent[0]?.text, "seen: probed");
});

Deno.test("the timeline of a turn tells what was received, when a restart took it up, and the channel's id of the answer", async () => {
  await using room = await openRoom(newToolTurn("none", []));
  const died = room.dieAt(points.T3, "before");
  await room.say("hello");
  await died;
  await room.clock.advance(5_000);
  await room.restart();
  const [reply] = await room.untilSent(1);
  await room.untilIdle();
  const turn = await newHistory(room.ledger).turn(reply?.turnId ?? "", AbortSignal.timeout(60_000));
  assert.deepEqual(turn?.received.map(({ channel, providerMessageId }) => [channel, providerMessageId]), [
    ["telegram.sales", "m1"],
  ]);
  assert.deepEqual(turn?.resumedAt.map((at) => Date.parse(at) - Date.parse(turn.startedAt) >= 5_000), [true]);
  assert.deepEqual(turn?.steps.map(({ kind, inputTokens }) => [kind, inputTokens]), [
    ["model", 10],
    ["tool", null],
    ["model", 10],
  ]);
  const sends = turn?.sends.map(({ channel, state, providerMessageIds }) => ({ channel, state, providerMessageIds }));
  assert.deepEqual(sends, [
    { channel: "telegram.sales", state: "sent", providerMessageIds: [`sent:${reply?.key}`] },
  ]);
});

Deno.test("a tool starts only when its start is durable, and the model sees only results that are", async () => {
  const order: string[] = [];
  await using room = await openRoom({
    ...newToolTurn("once", []),
    tools: [newTool("probe", {
      run: () => {
        order.push(`started: ${room.rows("SELECT state FROM steps WHERE kind = 'tool'")[0]?.state}`);
        return Promise.resolve({ content: [{ type: "text", text: "probed" }] });
      },
    })],
    script: (request) => {
      if (request.messages.at(-1)?.role !== "tool") return callTools(["probe"]);
      order.push(`shown: ${room.rows("SELECT state FROM steps WHERE kind = 'tool'")[0]?.state}`);
      return "done";
    },
  });
  await room.say("hello");
  await room.untilSent(1);
  assert.deepEqual(order, ["started: started", "shown: done"]);
});

Deno.test("several calls of one answer resume where they were", async () => {
  const runs: string[] = [];
  const tool = (name: string, parallelSafe: boolean, effect: ToolEffect) =>
    newTool(name, {
      effect,
      parallelSafe,
      run: (_input, { idempotencyKey }) => {
        runs.push(`${name} ${idempotencyKey.split(":")[1]}`);
        return Promise.resolve({ content: [{ type: "text", text: name }] });
      },
    });
  await using room = await openRoom({
    agents: [{ allowed_tools: ["*"] }],
    tools: [tool("a", false, "once"), tool("b", true, "none"), tool("c", false, "once")],
    script: (request) => request.messages.at(-1)?.role === "tool" ? lastText(request) : callTools(["a", "b", "c"]),
  });
  const died = room.dieAt(
    (unit) => unit.some(({ sql, values }) => /'started'/.test(sql) && values.includes("c")),
    "before",
  );
  await room.say("hello");
  await died;
  await room.restart();
  await room.untilSent(1);
  assert.equal(room.sent[0]?.text.split("|").length, 3);
  assert.match(room.sent[0]?.text ?? "", /interrupted.*\|b\|c$/s);
  assert.deepEqual(runs.map((run) => run[0]), ["b", "a", "c"]);
});

Deno.test("messages that were answered together are answered together after a crash", async () => {
  await using room = await openRoom({
    ...newToolTurn("none", []),
    agents: [{ allowed_tools: ["probe"], config: { debounce_ms: 1_000 } }],
  });
  const died = room.dieAt(points.T2, "after");
  for (const text of ["one", "two", "three"]) await room.say(text);
  await room.clock.untilWaiting(1);
  await room.clock.advance(1_000);
  await died;
  await room.restart();
  await room.say("four");
  await room.untilSent(1);
  await room.clock.advance(2_000);
  await room.untilSent(2);
  await room.untilIdle();
  assert.deepEqual(room.sent.map(({ inReplyTo }) => inReplyTo), [["m1", "m2", "m3"], ["m4"]]);
  assert.deepEqual(room.rows("SELECT count(*) AS n FROM turns"), [{ n: 2 }]);
});

Deno.test("the hooks before a journaled turn are not asked again", async () => {
  let asked = 0;
  await using room = await openRoom({
    ...newToolTurn("none", []),
    hooks: [{
      id: "test.polite",
      on: "before_message",
      onFailure: "closed",
      deadlineMs: 100,
      run: () => {
        asked++;
        return Promise.resolve({ change: { text: "please" } });
      },
    }],
  });
  const died = room.dieAt(points.T2, "after");
  await room.say("hello");
  await died;
  await room.restart();
  await room.untilSent(1);
  assert.equal(asked, 1);
  assert.deepEqual(room.requests.at(-1)?.messages[0], { role: "user", content: [{ type: "text", text: "please" }] });
});

Deno.test("a journal of one agent is not shown to another that hears the channel now", async () => {
  await using room = await openRoom(newToolTurn("none", []));
  const died = room.dieAt(points.T3, "after");
  await room.say("for ana only");
  await died;
  const binding = { plugin: "telegram", instance: "sales", open: true };
  await room.restart({ agents: [{ id: "bob", inbound_bindings: [binding], allowed_tools: ["probe"] }] });
  await room.untilSent(1);
  assert.equal(room.sent[0]?.sessionId, "bob/telegram/sales/7");
  assert.deepEqual(room.requests.at(-2)?.messages.map(({ role }) => role), ["user"]);
});

Deno.test("running turns get their time at the end, and what is left goes on at the next start", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const options: RoomOptions = {
    runtime: { shutdown: { budget: "10s" } },
    async *script(request, _number, signal) {
      const text = lastText(request);
      if (text === "quick") await released;
      else await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      yield { type: "text", text: `did ${text}` };
      yield {
        type: "finish",
        reason: "stop",
        usage: { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 },
        provider: "f",
        model: "m",
      };
    },
  };
  await using room = await openRoom(options);
  await room.say("quick", { conversation: "1" });
  await room.say("slow", { conversation: "2" });
  await room.until(() => room.requests.length === 2 ? true : undefined);
  const closed = room.agents[Symbol.asyncDispose]();
  release();
  await room.until(() => room.rows("SELECT 1 FROM outbox WHERE state = 'sent'")[0]);
  assert.deepEqual(room.sent.map(({ text }) => text), ["did quick"]);
  await room.clock.advance(10_000);
  await closed;
  assert.deepEqual(room.rows("SELECT state FROM inbox ORDER BY id"), [{ state: "done" }, { state: "ready" }]);
  assert.deepEqual(room.rows("SELECT count(*) AS n FROM dead"), [{ n: 0 }]);
  await room.restart({ script: () => "at last" });
  await room.untilSent(2);
  assert.equal(room.sent[1]?.text, "at last");
});
