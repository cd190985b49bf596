import assert from "node:assert/strict";
import { newHooks } from "../../src/agent/hooks.ts";
import type { AnyHook, HookName, HookPayloads } from "../../src/core/hook.ts";
import { newLive } from "../../src/lib/live.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { callTools, lastText, newTool, openRoom } from "./room.ts";

const session = { agent: "ana", plugin: "telegram", instance: "sales", conversation: "7" };
const base = { agent: "ana", session };
const payloads: HookPayloads = {
  before_message: { ...base, text: "old" },
  after_message: { ...base, textIn: "in", text: "old" },
  before_tool_call: { ...base, tool: "look", input: "old" },
  after_tool_call: { ...base, tool: "look", input: "in", result: { content: [] }, tookMs: 1 },
  session_start: base,
  session_end: base,
};
const names: readonly HookName[] = [
  "before_message",
  "after_message",
  "before_tool_call",
  "after_tool_call",
  "session_start",
  "session_end",
];
const signal = new AbortController().signal;

type Verdict = { readonly veto: string } | { readonly change: object } | undefined;

/** A hook of any name whose verdict does not depend on it. */
function newHook(on: HookName, run: (signal: AbortSignal) => Promise<Verdict>, change: Partial<AnyHook> = {}): AnyHook {
  return {
    id: "test.hook",
    on,
    onFailure: "open",
    deadlineMs: 1_000,
    run: (_payload: unknown, stop: AbortSignal) => run(stop),
    ...change,
  } as AnyHook; // the verdict of a test fits the hook that it is for
}

function openHooks(list: readonly AnyHook[]) {
  const deps = { log: newRecordedLog(), metrics: newRecordedMetrics(), clock: newFakeClock() };
  return { ...deps, hooks: newHooks(newLive(list), deps) };
}

for (const on of names) {
  Deno.test(`${on} can veto, change, fail open and fail closed, and has a deadline`, async () => {
    const ask = async (hook: AnyHook) => await openHooks([hook]).hooks.run(on, payloads[on], signal);
    assert.deepEqual(await ask(newHook(on, () => Promise.resolve({ veto: "no" }))), { vetoed: "no", by: "test.hook" });
    assert.deepEqual(await ask(newHook(on, () => Promise.resolve(undefined))), { payload: payloads[on] });
    assert.deepEqual(await ask(newHook(on, () => Promise.resolve({ change: { agent: "bob" } }))), {
      payload: { ...payloads[on], agent: "bob" },
    });
    const broken = () => Promise.reject(new Error("broken"));
    assert.deepEqual(await ask(newHook(on, broken)), { payload: payloads[on] });
    const closed = { vetoed: "the check test.hook did not answer", by: "test.hook" };
    for (const nonsense of ["no", 5, {}, { veto: 5 }, { change: "x" }]) {
      // eraser: what an author without types may return
      const given = () => Promise.resolve(nonsense as Verdict);
      assert.deepEqual(await ask(newHook(on, given)), { payload: payloads[on] });
      assert.deepEqual(await ask(newHook(on, given, { onFailure: "closed" })), closed);
    }
    assert.deepEqual(await ask(newHook(on, broken, { onFailure: "closed" })), closed);

    const late = openHooks([newHook(on, () => new Promise(() => {}), { onFailure: "closed" })]);
    const verdict = late.hooks.run(on, payloads[on], signal);
    await late.clock.advance(1_000);
    assert.deepEqual(await verdict, closed);
    assert.equal(late.metrics.valueOf("nexo_hook_total", { hook: on, result: "failed" }), 1);
    assert.equal(late.clock.waiting, 0);
  });
}

Deno.test("hooks run in order of priority, each sees what those before it changed, the first veto ends it", async () => {
  const seen: string[] = [];
  const hook = (id: string, priority: number, verdict?: { readonly veto: string }): AnyHook => ({
    id,
    on: "before_message",
    priority,
    onFailure: "open",
    deadlineMs: 100,
    run: ({ text }) => {
      seen.push(`${id}: ${text}`);
      return Promise.resolve(verdict ?? { change: { text: `${text}+${id}` } });
    },
  });
  const { hooks } = openHooks([
    hook("c", 5),
    hook("a", -1),
    hook("d", 9, { veto: "stop" }),
    hook("e", 10),
    hook("b", 5),
  ]);
  await hooks.run("before_message", payloads.before_message, signal);
  assert.deepEqual(seen, ["a: old", "c: old+a", "b: old+a+c", "d: old+a+c+b"]);
});

Deno.test("a hook applies to its agents only", async () => {
  const { hooks } = openHooks([newHook("session_start", () => Promise.resolve({ veto: "no" }), { agents: ["bob"] })]);
  assert.deepEqual(await hooks.run("session_start", base, signal), { payload: base });
});

Deno.test("a vetoed message is not answered, is counted, and leaves no question to the model", async () => {
  await using room = await openRoom({ hooks: [newHook("before_message", () => Promise.resolve({ veto: "spam" }))] });
  await room.say("buy now");
  await room.untilIdle();
  assert.equal(room.requests.length, 0);
  assert.equal(room.sent.length, 0);
  assert.deepEqual(room.rows("SELECT state, outcome FROM inbox"), [{ state: "done", outcome: "refused:vetoed" }]);
  await room.metrics.untilWritten(
    "nexo_refusals_total",
    { part: "hook", reason: "before_message" },
    1,
    AbortSignal.timeout(60_000),
  );
});

Deno.test("a vetoed session is not begun", async () => {
  await using room = await openRoom({ hooks: [newHook("session_start", () => Promise.resolve({ veto: "closed" }))] });
  await room.say("hello");
  await room.untilIdle();
  assert.equal(room.requests.length, 0);
  await room.metrics.untilWritten(
    "nexo_refusals_total",
    { part: "hook", reason: "session_start" },
    1,
    AbortSignal.timeout(60_000),
  );
});

Deno.test("a vetoed reply is not sent; a changed one is", async () => {
  let verdict: Verdict = { veto: "rude" };
  await using room = await openRoom({ hooks: [newHook("after_message", () => Promise.resolve(verdict))] });
  await room.say("one");
  await room.untilIdle();
  assert.deepEqual(room.rows("SELECT outcome FROM turns"), [{ outcome: "silent" }]);
  verdict = { change: { text: "polite" } };
  await room.say("two");
  await room.untilSent(1);
  assert.equal(room.sent[0]?.text, "polite");
  verdict = { change: { text: "" } };
  await room.say("three");
  await room.untilIdle();
  assert.equal(room.sent.length, 1);
});

Deno.test("hooks around a tool change what it gets and what the model is shown", async () => {
  const inputs: unknown[] = [];
  await using room = await openRoom({
    agents: [{ allowed_tools: ["look"] }],
    tools: [newTool("look", {
      run: (input) => {
        inputs.push(input);
        return Promise.resolve({ content: [{ type: "text", text: "secret" }] });
      },
    })],
    hooks: [
      newHook("before_tool_call", () => Promise.resolve({ change: { input: { n: 2 } } })),
      newHook(
        "after_tool_call",
        () => Promise.resolve({ change: { result: { content: [{ type: "text", text: "hidden" }] } } }),
      ),
    ],
    script: (request) => request.messages.at(-1)?.role === "tool" ? lastText(request) : callTools([["look", { n: 1 }]]),
  });
  await room.say("go");
  await room.untilSent(1);
  assert.deepEqual(inputs, [{ n: 2 }]);
  assert.equal(room.sent[0]?.text, "hidden");
});

Deno.test("a session that was silent for its time ends, once, and the next message begins a new one", async () => {
  const told: string[] = [];
  const tell = (on: "session_start" | "session_end") =>
    newHook(on, () => {
      told.push(on);
      return Promise.resolve(undefined);
    });
  await using room = await openRoom({ hooks: [tell("session_start"), tell("session_end")] });
  await room.say("one");
  await room.untilIdle();
  await room.say("two");
  await room.untilIdle();
  assert.deepEqual(told, ["session_start"]);
  room.clock.skip(24 * 3_600_000);
  await room.clock.advance(120_000);
  await room.until(() => room.rows("SELECT 1 FROM sessions WHERE ended = 1")[0]);
  await room.clock.advance(120_000);
  assert.deepEqual(told, ["session_start", "session_end"]);
  await room.say("three");
  await room.untilIdle();
  assert.deepEqual(told, ["session_start", "session_end", "session_start"]);
  assert.equal(room.requests[2]?.messages.length, 1);
  assert.deepEqual(room.rows("SELECT epoch, ended FROM sessions"), [{ epoch: 2, ended: 0 }]);
  assert.deepEqual(room.rows("SELECT count(*) AS n FROM messages"), [{ n: 6 }]);
});
