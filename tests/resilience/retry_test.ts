import assert from "node:assert/strict";
import { AppError, type AppErrorOptions, type ErrorKind } from "../../src/core/error.ts";
import { defaultRetryPolicy, retry } from "../../src/resilience/retry.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";

async function run(kind: ErrorKind, options: AppErrorOptions = {}, random = () => 0.5) {
  const clock = newFakeClock();
  const triedAt: number[] = [];
  const work = () => {
    triedAt.push(clock.monotonic());
    return Promise.reject(new AppError(kind, kind, options));
  };
  const done = assert.rejects(
    retry(work, defaultRetryPolicy, { clock, signal: new AbortController().signal, random }),
    { kind },
  );
  await clock.advance(600_000);
  await done;
  return triedAt;
}

Deno.test("retry tries what is unavailable or timed out three times, with doubling jittered waits", async () => {
  assert.deepEqual(await run("unavailable"), [0, 500, 1_500]);
  assert.deepEqual(await run("timeout"), [0, 500, 1_500]);
  assert.deepEqual(await run("timeout", {}, () => 0), [0, 0, 0]);
});

Deno.test("retry tries five times when rate limited and waits at least as long as asked", async () => {
  const rateLimited = { reason: "rate_limited", retryAfterMs: 3_000 };
  assert.deepEqual(await run("unavailable", rateLimited), [0, 3_000, 6_000, 9_000, 13_000]);
});

Deno.test("retry gives up at once when asked to wait longer than its longest wait", async () => {
  assert.deepEqual(await run("unavailable", { reason: "rate_limited", retryAfterMs: 60_001 }), [0]);
});

Deno.test("retry never repeats what was refused, cancelled or stopped by an open breaker", async () => {
  for (const kind of ["invalid", "denied", "missing", "conflict", "cancelled", "bug"] as const) {
    assert.deepEqual(await run(kind), [0], kind);
  }
  assert.deepEqual(await run("unavailable", { reason: "breaker_open", retryAfterMs: 1_000 }), [0]);
});

Deno.test("retry gives back the first success", async () => {
  const clock = newFakeClock();
  const result = retry(
    (attempt) => attempt < 3 ? Promise.reject(new AppError("unavailable", "no")) : Promise.resolve(attempt),
    defaultRetryPolicy,
    { clock, signal: new AbortController().signal },
  );
  await clock.advance(10_000);
  assert.equal(await result, 3);
});

Deno.test("retry ends a wait when its signal fires, and leaks no wait", async () => {
  const clock = newFakeClock();
  const controller = new AbortController();
  const result = retry(() => Promise.reject(new AppError("unavailable", "no")), defaultRetryPolicy, {
    clock,
    signal: controller.signal,
  });
  await clock.untilWaiting(1);
  controller.abort();
  await assert.rejects(result, { kind: "cancelled" });
  assert.equal(clock.waiting, 0);
});
