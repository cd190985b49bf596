import assert from "node:assert/strict";
import { AppError } from "../../src/core/error.ts";
import { withDeadline, withIdleTimeout } from "../../src/resilience/deadline.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";

const timeouts = { firstMs: 100, idleMs: 50, totalMs: 400 };

Deno.test("deadline fires after its time with a timeout", async () => {
  const clock = newFakeClock();
  using deadline = withDeadline(new AbortController().signal, 2_000, clock, "The call");
  await clock.advance(1_999);
  assert.equal(deadline.signal.aborted, false);
  await clock.advance(1);
  assert.ok(deadline.signal.reason instanceof AppError);
  assert.equal(deadline.signal.reason.kind, "timeout");
  assert.equal(deadline.signal.reason.message, "The call took longer than 2.0 s");
});

Deno.test("deadline follows its parent and leaves no timer once disposed", () => {
  const clock = newFakeClock();
  const parent = new AbortController();
  const deadline = withDeadline(parent.signal, 2_000, clock, "The call");
  parent.abort("stop");
  assert.equal(deadline.signal.reason, "stop");
  deadline[Symbol.dispose]();
  assert.equal(clock.waiting, 0);
});

/** A source that yields 1, 2, 3 … each after the given wait, and notes how it ended. */
function newSource(waitsMs: readonly number[]) {
  const clock = newFakeClock();
  const seen = { aborted: false };
  const open = async function* (signal: AbortSignal) {
    signal.addEventListener("abort", () => seen.aborted = true);
    for (const [index, ms] of waitsMs.entries()) {
      await clock.wait(ms, signal);
      yield index + 1;
    }
  };
  const controller = new AbortController();
  const stream = withIdleTimeout(open, timeouts, { clock, signal: controller.signal, what: "The model" });
  return { clock, seen, stream, controller };
}

Deno.test("idle timeout passes on a stream that keeps its limits and leaves no timer", async () => {
  const { clock, stream, seen } = newSource([90, 40, 40]);
  const items = Array.fromAsync(stream);
  await clock.advance(1_000);
  assert.deepEqual(await items, [1, 2, 3]);
  assert.equal(clock.waiting, 0);
  assert.equal(seen.aborted, false);
});

for (
  const [reason, waits] of [["first_chunk", [150]], ["idle", [10, 60]], ["total", Array(20).fill(40)]] as const
) {
  Deno.test(`idle timeout ends a stream that misses its ${reason} limit and aborts the source`, async () => {
    const { clock, stream, seen } = newSource(waits);
    const items = assert.rejects(Array.fromAsync(stream), { kind: "timeout", reason });
    await clock.advance(1_000);
    await items;
    assert.equal(seen.aborted, true);
    assert.equal(clock.waiting, 0);
  });
}

Deno.test("idle timeout gives up on a source that ignores its signal", async () => {
  const clock = newFakeClock();
  const hang: AsyncIterable<number> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
  const stream = withIdleTimeout(() => hang, timeouts, {
    clock,
    signal: new AbortController().signal,
    what: "The model",
  });
  const items = assert.rejects(Array.fromAsync(stream), { kind: "timeout" });
  await clock.advance(100);
  await items;
});

Deno.test("idle timeout does not count the time that the reader takes", async () => {
  const { clock, stream } = newSource([10, 40]);
  const first = stream.next();
  await clock.advance(10);
  await first;
  await clock.advance(200);
  const second = stream.next();
  await clock.advance(40);
  assert.equal((await second).value, 2);
  await stream.return(undefined);
});

Deno.test("idle timeout aborts the source when the reader leaves early", async () => {
  const { clock, stream, seen } = newSource([10, 10, 10]);
  const first = stream.next();
  await clock.advance(10);
  await first;
  await stream.return(undefined);
  assert.equal(seen.aborted, true);
  await clock.advance(0);
  assert.equal(clock.waiting, 0);
});

Deno.test("idle timeout passes the caller's reason on", async () => {
  const { clock, stream, controller } = newSource([90]);
  const items = assert.rejects(Array.fromAsync(stream), { message: "stop" });
  await clock.untilWaiting(1);
  controller.abort(new Error("stop"));
  await items;
  await clock.advance(0);
  assert.equal(clock.waiting, 0);
});
