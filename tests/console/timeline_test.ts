import assert from "node:assert/strict";
import { toScale, toSpans, toStory } from "../../console/pages/timeline.ts";
import type { TurnView } from "../../src/http/turns_api.ts";

const iso = (ms: number) => new Date(1_700_000_000_000 + ms).toISOString();

const step: TurnView["steps"][number] = {
  seq: 0,
  kind: "model",
  name: "a/big",
  state: "done",
  effect: null,
  startedAt: iso(100),
  finishedAt: iso(1_100),
  inputTokens: 10,
  outputTokens: 5,
  costUsd: 0.01,
  call: { messages: 3, tools: 2, setbacks: [] },
  fault: null,
  input: null,
  output: { text: "Hello", toolCalls: [] },
};

const turn: TurnView = {
  id: "t",
  agent: "ana",
  sessionId: "ana/telegram/main/1",
  state: "done",
  outcome: "answered",
  error: null,
  model: "a/big",
  resumed: 0,
  receivedAt: iso(0),
  startedAt: iso(100),
  finishedAt: iso(1_110),
  inputTokens: 10,
  outputTokens: 5,
  costUsd: 0.01,
  resumedAt: [],
  replayedAt: [],
  waits: null,
  traceId: null,
  question: "Hi",
  received: [{ receivedAt: iso(0), channel: "telegram.main", providerMessageId: "7" }],
  steps: [step],
  sends: [],
};

const rowsOf = (view: TurnView) => toSpans(view, Date.parse(iso(2_000)));
const namesOf = (view: TurnView) => rowsOf(view).map(({ name }) => name);

Deno.test("waiting for a turn, for more messages and for a free place are rows of their own", () => {
  const waited = { ...turn, startedAt: iso(1_000), waits: { burstMs: 300, permitMs: 200 } };
  const spans = rowsOf({ ...waited, steps: [{ ...step, startedAt: iso(1_000) }] });
  assert.deepEqual(
    spans.slice(0, 4).map(({ name, stretches: [{ from, to }] }) => [name, to - from]),
    [["Received · telegram.main", 0], ["Queued", 500], ["Waited for more of it", 300], [
      "Waited for a free place",
      200,
    ]],
  );
});

Deno.test("tries that failed are shown with their reason, and the model that answered in place of another", () => {
  const at = Date.parse(iso(0));
  const failed = {
    type: "failed",
    provider: "a",
    model: "big",
    kind: "unavailable",
    message: "a is overloaded",
  } as const;
  const setbacks = [
    { type: "limited", provider: "a", waitedMs: 50, at: at + 150 },
    { ...failed, next: "again", waitMs: 200, at: at + 300 },
    { ...failed, next: "other", waitMs: 0, at: at + 600 },
  ] as const;
  const call = { messages: 3, tools: 2, setbacks: [...setbacks] };
  const model = rowsOf({ ...turn, steps: [{ ...step, name: "b/small", call }] }).find(({ kind }) => kind === "model");
  assert.equal(model?.mark, "2 failed tries, in place of a/big");
  assert.deepEqual(
    model?.stretches.map(({ kind, from, to }) => [kind, from - at, to - at]),
    [["model", 600, 1_100], ["wait", 100, 150], ["failed", 150, 300], ["wait", 300, 500], ["failed", 500, 600], [
      "wait",
      600,
      600,
    ]],
  );
  const said = model?.details.map(({ text }) => text).join("\n") ?? "";
  assert.match(said, /rate_limit in llm\.yaml/);
  assert.match(said, /a\/big failed: a is overloaded\. It was asked again after 200 ms\./);
  assert.match(said, /fallback_models/);
});

Deno.test("a time without a process is a row, and what it cut off says whether it ran again", () => {
  const tool = {
    ...step,
    seq: 1,
    kind: "tool",
    name: "book",
    call: null,
    startedAt: iso(1_110),
    inputTokens: null,
  } as const;
  const view = { ...turn, resumedAt: [iso(61_000)], finishedAt: iso(62_000) };
  const once = rowsOf({ ...view, steps: [step, { ...tool, effect: "once", finishedAt: iso(61_005) }] });
  assert.deepEqual(once.map(({ name, mark }) => [name, mark]).slice(-2), [
    ["book", "cut off, not repeated"],
    ["The process ended", "taken up again"],
  ]);
  const again = rowsOf({ ...view, steps: [step, { ...tool, effect: "none", finishedAt: iso(61_500) }] });
  assert.equal(again.find(({ name }) => name === "book")?.mark, "cut off, run again");
  assert.match(toStory({ ...view, steps: [step] }, once)[1] ?? "", /the model's answer\) was used again, not repeated/);
});

Deno.test("a long time without work is drawn shorter, so that the work is still seen", () => {
  const view = { ...turn, resumedAt: [iso(3_600_000)], finishedAt: iso(3_601_000) };
  const later = { ...step, seq: 1, startedAt: iso(3_600_000), finishedAt: iso(3_601_000) };
  const scale = toScale(rowsOf({ ...view, steps: [step, later] }));
  const share = (from: number, to: number) => scale.at(Date.parse(iso(to))) - scale.at(Date.parse(iso(from)));
  assert.equal(scale.cuts.length, 1);
  assert.ok(share(100, 1_100) > 0.3 && Math.abs(share(100, 1_100) - share(3_600_000, 3_601_000)) < 0.001);
  assert.ok(share(0, 3_601_000) > 0.999);
});

Deno.test("a turn of a release that journaled less is shown too", () => {
  assert.deepEqual(namesOf({ ...turn, received: [], steps: [{ ...step, call: null }] }), [
    "Received",
    "Queued",
    "Model · a/big",
  ]);
});
