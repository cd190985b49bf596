import assert from "node:assert/strict";
import { newTool, openRoom, type Room } from "./room.ts";

function call(room: Room, tool: string, input: unknown = {}) {
  return room.agents.outside.call({
    agent: "ana",
    tool,
    input,
    caller: "laptop",
    beside: [],
    signal: new AbortController().signal,
    progress: () => {},
  });
}

Deno.test("a call from outside is journaled as a turn of its own, with its result", async () => {
  await using room = await openRoom({ agents: [{ allowed_tools: ["echo"] }], tools: [newTool("echo")] });
  const { content, outcome } = await call(room, "echo", { a: 1 });
  assert.deepEqual([content, outcome], [[{ type: "text", text: "echo done" }], "ok"]);
  const [turn] = room.rows(`SELECT session_id, state, outcome FROM turns`);
  assert.deepEqual(turn, { session_id: "ana/api/ana/laptop", state: "done", outcome: "silent" });
  const [step] = room.rows(`SELECT name, state, input FROM steps`);
  assert.deepEqual(step, { name: "echo", state: "done", input: '{"a":1}' });
});

Deno.test("a call from outside meets hooks, the allow-list and the budget", async () => {
  await using room = await openRoom({
    agents: [{ allowed_tools: ["echo"], budget: { daily_tokens: 1 } }],
    tools: [newTool("echo"), newTool("other")],
    hooks: [{
      id: "guard",
      on: "before_tool_call",
      onFailure: "closed",
      deadlineMs: 1_000,
      run: () => Promise.resolve({ veto: "not today" }),
    }],
  });
  assert.equal((await call(room, "echo")).outcome, "vetoed");
  assert.equal((await call(room, "other")).outcome, "unknown");
  await room.say("hello");
  await room.untilSent(1);
  await assert.rejects(call(room, "echo"), { kind: "denied", reason: "budget_day_tokens" });
});

Deno.test("a call whose process dies is written down as failed at the next start, and is not run again", async () => {
  let runs = 0;
  const started = Promise.withResolvers<void>();
  const tool = newTool("slow", {
    run: () => {
      runs++;
      started.resolve();
      return new Promise(() => {});
    },
  });
  await using room = await openRoom({ agents: [{ allowed_tools: ["slow"] }], tools: [tool] });
  const cut = call(room, "slow").catch((error: unknown) => error);
  await started.promise;
  await room.restart();
  await cut;
  await room.until(() => room.rows(`SELECT 1 FROM turns WHERE state = 'done' AND outcome = 'failed'`)[0]);
  assert.match(String(room.rows(`SELECT error FROM turns`)[0]?.error), /ended during the call/);
  assert.equal(runs, 1);
});
