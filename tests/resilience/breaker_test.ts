import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { type Breaker, type BreakerState, newBreaker } from "../../src/resilience/breaker.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";

const down = () => Promise.reject(new AppError("unavailable", "down"));
const up = () => Promise.resolve("ok");

async function fail(breaker: Breaker, times: number): Promise<void> {
  for (let index = 0; index < times; index++) await assert.rejects(breaker.run(down), { message: "down" });
}

function newTestBreaker() {
  const clock = newFakeClock();
  const states: BreakerState[] = [];
  return { clock, states, breaker: newBreaker({ name: "x", clock, onChange: (state) => states.push(state) }) };
}

Deno.test("breaker opens after five failures in a row and refuses without calling", async () => {
  const { breaker } = newTestBreaker();
  await fail(breaker, 5);
  assert.equal(breaker.state, "open");
  let called = false;
  await assert.rejects(
    breaker.run(() => {
      called = true;
      return up();
    }),
    { kind: "unavailable", reason: "breaker_open", retryAfterMs: 10_000 },
  );
  assert.equal(called, false);
});

Deno.test("breaker forgets failures after a success", async () => {
  const { breaker } = newTestBreaker();
  await fail(breaker, 4);
  await breaker.run(up);
  await fail(breaker, 4);
  assert.equal(breaker.state, "closed");
});

Deno.test("breaker is not opened by refusals, rate limits or cancelling", async () => {
  const { breaker } = newTestBreaker();
  const errors = [
    new AppError("invalid", "400"),
    new AppError("denied", "401"),
    new AppError("cancelled", "stop"),
    new AppError("unavailable", "429", { reason: "rate_limited" }),
    new DOMException("stop", "AbortError"),
  ];
  for (let round = 0; round < 3; round++) {
    for (const error of errors) await assert.rejects(breaker.run(() => Promise.reject(error)));
  }
  assert.equal(breaker.state, "closed");
});

Deno.test("breaker closes after two probes that succeed", async () => {
  const { breaker, clock, states } = newTestBreaker();
  await fail(breaker, 5);
  await clock.advance(10_000);
  await breaker.run(up);
  assert.equal(breaker.state, "half_open");
  await breaker.run(up);
  assert.deepEqual(states, ["open", "half_open", "closed"]);
});

Deno.test("breaker lets one probe through at a time", async () => {
  const { breaker, clock } = newTestBreaker();
  await fail(breaker, 5);
  await clock.advance(10_000);
  const probe = breaker.allow();
  assert.throws(() => breaker.allow(), { reason: "breaker_open" });
  probe.succeeded();
  breaker.allow().succeeded();
  assert.equal(breaker.state, "closed");
});

Deno.test("breaker gives the place of an abandoned probe to the next call", async () => {
  const { breaker, clock } = newTestBreaker();
  await fail(breaker, 5);
  await clock.advance(10_000);
  breaker.allow().abandoned();
  breaker.allow();
  assert.equal(breaker.state, "half_open");
});

Deno.test("breaker doubles its window with each failed probe up to two minutes, and starts afresh once closed", async () => {
  const { breaker, clock } = newTestBreaker();
  await fail(breaker, 5);
  for (const openMs of [10_000, 20_000, 40_000, 80_000, 120_000, 120_000]) {
    assert.equal(breaker.retryAfterMs, openMs);
    await clock.advance(openMs - 1);
    assert.throws(() => breaker.allow(), { reason: "breaker_open" });
    await clock.advance(1);
    await fail(breaker, 1);
  }
  await clock.advance(120_000);
  await breaker.run(up);
  await breaker.run(up);
  await fail(breaker, 5);
  assert.equal(breaker.retryAfterMs, 10_000);
});

Deno.test("breaker ignores the end of a call that began before it opened", async () => {
  const { breaker, clock } = newTestBreaker();
  const slow = breaker.allow();
  await fail(breaker, 5);
  await clock.advance(10_000);
  const probe = breaker.allow();
  slow.succeeded();
  slow.failed(new AppError("timeout", "late"));
  assert.throws(() => breaker.allow(), { reason: "breaker_open" });
  probe.succeeded();
  assert.equal(breaker.state, "half_open");
});
