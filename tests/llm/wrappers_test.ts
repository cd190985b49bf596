import assert from "node:assert/strict";
import { AppError, type ErrorKind } from "../../src/core/error.ts";
import { withBreaker } from "../../src/llm/breaker.ts";
import { withFallback } from "../../src/llm/fallback.ts";
import { withLimiter } from "../../src/llm/limiter.ts";
import { withMetrics } from "../../src/llm/measure.ts";
import { withRetry } from "../../src/llm/retry.ts";
import { newBreaker } from "../../src/resilience/breaker.ts";
import { newBucket } from "../../src/resilience/bucket.ts";
import { defaultRetryPolicy } from "../../src/resilience/retry.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { collect, finishOf, newRequest, settleWith, textOf } from "./room.ts";
import { newScriptedProvider } from "./scripted_provider.ts";

const down = () => new AppError("unavailable", "down");

Deno.test("retry does not ask again once a chunk was handed on", async () => {
  const inner = newScriptedProvider("a", ["some words", down()], ["all"]);
  const clock = newFakeClock();
  const provider = withRetry(inner, defaultRetryPolicy, { clock, metrics: newRecordedMetrics(), random: () => 0 });
  await assert.rejects(collect(provider, newRequest()), { message: "down" });
  assert.equal(inner.requests.length, 1);
});

Deno.test("retry does not wait for an open breaker", async () => {
  const inner = newScriptedProvider("a", [down()], [down()], [down()]);
  const clock = newFakeClock();
  const guarded = withBreaker(inner, newBreaker({ name: "a", clock, failures: 2 }));
  const provider = withRetry(guarded, defaultRetryPolicy, { clock, metrics: newRecordedMetrics(), random: () => 0 });
  await assert.rejects(settleWith(clock, collect(provider, newRequest())), { reason: "breaker_open" });
  assert.equal(inner.requests.length, 2);
});

Deno.test("breaker counts a stream that fails half-way, and none that the caller gave up", async () => {
  const clock = newFakeClock();
  const breaker = newBreaker({ name: "a", clock, failures: 1 });
  const gone = new AbortController();
  const hasty = withBreaker({
    id: "a",
    async *stream() {
      yield { type: "text", text: "some" };
      gone.abort();
      throw new AppError("timeout", "the turn is over");
    },
  }, breaker);
  await assert.rejects(collect(hasty, newRequest(), gone.signal), { kind: "timeout" });
  for await (
    const _ of withBreaker(newScriptedProvider("a", ["some", "words"]), breaker).stream(newRequest(), gone.signal)
  ) break;
  assert.equal(breaker.state, "closed");
  await assert.rejects(collect(withBreaker(newScriptedProvider("a", ["some", down()]), breaker), newRequest()));
  assert.equal(breaker.state, "open");
});

Deno.test("limiter makes calls of one key wait for each other", async () => {
  const clock = newFakeClock();
  const inner = newScriptedProvider("a", ["1"], ["2"], ["3"]);
  const provider = withLimiter(inner, newBucket({ rps: 1, burst: 1, clock }), clock);
  const calls = [1, 2, 3].map(() => collect(provider, newRequest()));
  await clock.advance(0);
  assert.equal(inner.requests.length, 1);
  await clock.advance(1_000);
  assert.equal(inner.requests.length, 2);
  await clock.advance(1_000);
  assert.deepEqual((await Promise.all(calls)).map(textOf), ["1", "2", "3"]);
});

Deno.test("limiter ends a wait when the call is cancelled", async () => {
  const clock = newFakeClock();
  const provider = withLimiter(newScriptedProvider("a", ["1"]), newBucket({ rps: 1, burst: 1, clock }), clock);
  await collect(provider, newRequest());
  const controller = new AbortController();
  const waiting = assert.rejects(collect(provider, newRequest(), controller.signal), { kind: "cancelled" });
  await clock.untilWaiting(1);
  controller.abort();
  await waiting;
  assert.equal(clock.waiting, 0);
});

for (const kind of ["unavailable", "timeout", "denied", "invalid"] as const) {
  Deno.test(`fallback asks the next model when one is ${kind}`, async () => {
    const log = newRecordedLog();
    const first = newScriptedProvider("a", [new AppError(kind, "no")]);
    const second = newScriptedProvider("b", ["yes"]);
    const provider = withFallback({ provider: first, model: "m1" }, [{ provider: second, model: "m2" }], log);
    const request = newRequest({ model: "m1" });
    const chunks = await collect(provider, request);
    assert.equal(textOf(chunks), "yes");
    assert.deepEqual([finishOf(chunks).provider, finishOf(chunks).model], ["b", "m2"]);
    assert.equal(second.requests[0]?.tools, request.tools);
    assert.deepEqual(log.entries.map(({ event, fields }) => [event, fields["provider"]]), [["llm.moved_on", "a"]]);
  });
}

for (const kind of ["cancelled", "bug", "conflict"] satisfies ErrorKind[]) {
  Deno.test(`fallback does not ask another model after ${kind}`, async () => {
    const second = newScriptedProvider("b", ["yes"]);
    const first = newScriptedProvider("a", [new AppError(kind, "no")]);
    const provider = withFallback(
      { provider: first, model: "m1" },
      [{ provider: second, model: "m2" }],
      newRecordedLog(),
    );
    await assert.rejects(collect(provider, newRequest()), { kind });
    assert.equal(second.requests.length, 0);
  });
}

Deno.test("fallback does not ask another model once a chunk was handed on", async () => {
  const first = newScriptedProvider("a", ["some", down()]);
  const second = newScriptedProvider("b", ["yes"]);
  const provider = withFallback(
    { provider: first, model: "m1" },
    [{ provider: second, model: "m2" }],
    newRecordedLog(),
  );
  await assert.rejects(collect(provider, newRequest()), { message: "down" });
  assert.equal(second.requests.length, 0);
});

Deno.test("fallback names every model that did not answer and says when to ask again", async () => {
  const first = newScriptedProvider("a", [new AppError("unavailable", "A is down", { retryAfterMs: 9_000 })]);
  const second = newScriptedProvider("b", [new AppError("unavailable", "B is busy", { retryAfterMs: 4_000 })]);
  const provider = withFallback(
    { provider: first, model: "m1" },
    [{ provider: second, model: "m2" }],
    newRecordedLog(),
  );
  await assert.rejects(collect(provider, newRequest()), {
    kind: "unavailable",
    message: "No model answered. A is down. B is busy",
    retryAfterMs: 4_000,
  });
});

Deno.test("metrics and log tell of each call, without its words", async () => {
  const clock = newFakeClock();
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const inner = newScriptedProvider("a", ["secret words"], [down()], [new AppError("cancelled", "stop")]);
  const provider = withMetrics(inner, { clock, log, metrics });
  await collect(provider, newRequest());
  await assert.rejects(collect(provider, newRequest()));
  await assert.rejects(collect(provider, newRequest()));
  const labels = { provider: "a", model: "fake-model" };
  for (const result of ["ok", "unavailable", "cancelled"]) {
    assert.equal(metrics.valueOf("nexo_llm_requests_total", { ...labels, result }), 1, result);
  }
  assert.equal(metrics.valueOf("nexo_llm_seconds", { ...labels, stage: "first" }), 1);
  assert.equal(metrics.valueOf("nexo_llm_seconds", { ...labels, stage: "total" }), 1);
  for (const [kind, count] of [["input", 10], ["output", 2], ["cache_read", 4], ["cache_write", 0]] as const) {
    assert.equal(metrics.valueOf("nexo_llm_tokens_total", { ...labels, agent: "ana", kind }), count, kind);
  }
  assert.deepEqual(log.entries.map(({ level, event }) => `${level} ${event}`), [
    "debug llm.called",
    "warn llm.failed",
    "debug llm.failed",
  ]);
  assert.doesNotMatch(JSON.stringify(log.entries), /secret words/);
});
