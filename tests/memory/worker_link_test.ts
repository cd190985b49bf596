import assert from "node:assert/strict";
import { toAppError } from "../../src/core/error.ts";
import { newWorkerLink } from "../../src/memory/worker_link.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { never } from "./room.ts";

function openLink(clock: FakeClock) {
  const metrics = newRecordedMetrics();
  let started = 0;
  const link = newWorkerLink({
    name: "probe",
    clock,
    log: newRecordedLog(),
    metrics,
    make() {
      started++;
      return new Worker(new URL("./link_worker.ts", import.meta.url), { type: "module" });
    },
    start: () => ({}),
    onNotice: () => {},
  });
  return { link, metrics, started: () => started };
}

Deno.test("no worker runs before the first question, and one with nothing to do ends after five minutes", async () => {
  const clock = newFakeClock();
  const { link, started, metrics } = openLink(clock);
  assert.deepEqual([link.runs, started()], [false, 0]);
  assert.equal(await link.ask({ type: "echo" }, never), "here");
  assert.equal(link.runs, true);
  while (link.runs) {
    await clock.advance(5_000);
    // The answer to a heartbeat comes from a thread of its own: nothing else tells that it is there.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(clock.monotonic() >= 300_000);
  assert.equal(metrics.valueOf("nexo_worker_restarts_total"), 0, "it was not lost");
  assert.equal(await link.ask({ type: "echo" }, never), "here");
  assert.equal(started(), 2);
  await link[Symbol.asyncDispose]();
});

Deno.test("a worker that throws fails what it was asked, and the next question starts another", async () => {
  const { link, started, metrics } = openLink(newFakeClock());
  const open = link.ask({ type: "silent" }, never).catch(toAppError);
  const error = await rejectsWith("unavailable", link.ask({ type: "throw" }, never));
  assert.match(error.message, /worker probe stopped: .*on purpose/);
  assert.equal(toAppError(await open).reason, "worker_lost");
  assert.equal(await link.ask({ type: "echo" }, never), "here");
  assert.equal(started(), 2);
  assert.equal(metrics.valueOf("nexo_worker_restarts_total", { plugin: "probe", reason: "crashed" }), 1);
  await link[Symbol.asyncDispose]();
});

Deno.test("a worker that left without a word is noticed after three heartbeats", async () => {
  const clock = newFakeClock();
  const { link, metrics } = openLink(clock);
  const asked = link.ask({ type: "leave" }, AbortSignal.any([never])).catch(toAppError);
  for (let beat = 0; beat < 4 && link.runs; beat++) await clock.advance(5_000);
  assert.match(toAppError(await asked).message, /15/);
  while (link.runs) await clock.advance(5_000);
  assert.equal(metrics.valueOf("nexo_worker_restarts_total", { reason: "hung" }), 1);
  assert.equal(await link.ask({ type: "echo" }, never), "here");
  await link[Symbol.asyncDispose]();
});

Deno.test("a question without an answer ends with its deadline, and 256 may wait", async () => {
  const clock = newFakeClock();
  const { link, metrics } = openLink(clock);
  const open = Array.from({ length: 256 }, () => link.ask({ type: "silent" }, never).catch(toAppError));
  const refused = await rejectsWith("unavailable", link.ask({ type: "echo" }, never));
  assert.equal(refused.reason, "busy");
  assert.equal(metrics.valueOf("nexo_refusals_total", { part: "memory", reason: "busy" }), 1);
  await clock.advance(15_000);
  assert.equal(toAppError(await open[0]).kind, "timeout");
  assert.equal(await link.ask({ type: "echo" }, never), "here");
  await link[Symbol.asyncDispose]();
});

Deno.test("after the end nothing is asked", async () => {
  const { link } = openLink(newFakeClock());
  await link.ask({ type: "echo" }, never);
  await link[Symbol.asyncDispose]();
  await link[Symbol.asyncDispose]();
  await rejectsWith("unavailable", link.ask({ type: "echo" }, never));
});
