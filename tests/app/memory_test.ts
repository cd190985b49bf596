import assert from "node:assert/strict";
import { giveMemoryBack } from "../../src/app/memory.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";

const megabyte = 1_000_000;

/** A process whose heap the test sets, and that counts its collections, each of which leaves 20 MB. */
function openProcess() {
  const clock = newFakeClock();
  const stop = new AbortController();
  const state = { heapTotal: 20 * megabyte, heapUsed: 15 * megabyte, left: 20 * megabyte, collected: 0 };
  const watching = giveMemoryBack({
    clock,
    heap: () => state,
    collect() {
      state.collected++;
      state.heapTotal = state.left;
      state.heapUsed = state.left;
    },
  }, stop.signal);
  return {
    clock,
    state,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the test is over"));
      await assert.rejects(watching, /the test is over/);
    },
  };
}

async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await clock.advance(1_000);
}

Deno.test("memory is given back when a busy process has come to rest", async () => {
  await using process = openProcess();
  const { clock, state } = process;
  for (const used of [60, 90, 70]) {
    Object.assign(state, { heapTotal: 100 * megabyte, heapUsed: used * megabyte });
    await pass(clock, 1);
  }
  assert.equal(state.collected, 0);
  await pass(clock, 1);
  assert.equal(state.collected, 1);
  await pass(clock, 60);
  assert.equal(state.collected, 1);
});

Deno.test("a small heap is left alone", async () => {
  await using process = openProcess();
  await pass(process.clock, 60);
  assert.equal(process.state.collected, 0);
});

Deno.test("memory that is really in use is not collected again and again", async () => {
  await using process = openProcess();
  const { clock, state } = process;
  Object.assign(state, { heapTotal: 200 * megabyte, heapUsed: 180 * megabyte, left: 180 * megabyte });
  await pass(clock, 60);
  assert.equal(state.collected, 1);
});
