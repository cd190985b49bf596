import assert from "node:assert/strict";
import { newBucket } from "../../src/resilience/bucket.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";

Deno.test("bucket lets a burst pass and then one call each interval", async () => {
  const clock = newFakeClock();
  const bucket = newBucket({ rps: 2, burst: 3, clock });
  const passedAt: number[] = [];
  const { signal } = new AbortController();
  const calls = Array.from({ length: 6 }, () => bucket.take(signal).then(() => passedAt.push(clock.monotonic())));
  await clock.advance(2_000);
  await Promise.all(calls);
  assert.deepEqual(passedAt, [0, 0, 0, 500, 1_000, 1_500]);
});

Deno.test("bucket serves waiters in the order in which they came", async () => {
  const clock = newFakeClock();
  const bucket = newBucket({ rps: 1, burst: 1, clock });
  const order: string[] = [];
  const { signal } = new AbortController();
  const calls = ["a", "b", "c", "d"].map((name) => bucket.take(signal).then(() => order.push(name)));
  await clock.advance(3_000);
  await Promise.all(calls);
  assert.deepEqual(order, ["a", "b", "c", "d"]);
});

Deno.test("bucket lets the next waiter up when one gives up, and leaks no wait", async () => {
  const clock = newFakeClock();
  const bucket = newBucket({ rps: 1, burst: 1, clock });
  const patient = new AbortController();
  const impatient = new AbortController();
  await bucket.take(patient.signal);
  const first = bucket.take(impatient.signal);
  const second = bucket.take(patient.signal);
  const third = bucket.take(impatient.signal);
  await clock.untilWaiting(1);
  impatient.abort(new Error("enough"));
  await assert.rejects(first, { message: "enough" });
  await assert.rejects(third, { message: "enough" });
  await clock.advance(1_000);
  await second;
  assert.equal(clock.waiting, 0);
});

Deno.test("bucket tells when a token comes without waiting for it", async () => {
  const clock = newFakeClock();
  const bucket = newBucket({ rps: 4, burst: 1, clock });
  assert.deepEqual(bucket.tryTake(), { ok: true });
  assert.deepEqual(bucket.tryTake(), { ok: false, retryAfterMs: 250 });
  await clock.advance(250);
  assert.deepEqual(bucket.tryTake(), { ok: true });
});

Deno.test("bucket does not let anybody overtake those who wait", async () => {
  const clock = newFakeClock();
  const bucket = newBucket({ rps: 1, burst: 1, clock });
  const { signal } = new AbortController();
  await bucket.take(signal);
  const waiter = bucket.take(signal);
  assert.deepEqual(bucket.tryTake(), { ok: false, retryAfterMs: 2_000 });
  await clock.advance(1_000);
  await waiter;
});
