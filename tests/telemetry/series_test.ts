import assert from "node:assert/strict";
import { keptMinutes, maxSteps, newSeries } from "../../src/telemetry/series.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";

const minuteMs = 60_000;

function open() {
  const clock = newFakeClock();
  const counted = newRecordedMetrics();
  const series = newSeries({ metrics: counted, clock });
  const call = (seconds: number, result = "ok", model = "big") => {
    series.metrics.count("nexo_llm_requests_total", { provider: "a", model, result });
    if (result === "ok") series.metrics.observe("nexo_llm_seconds", { provider: "a", model, stage: "total" }, seconds);
  };
  return { clock, counted, series, call };
}

Deno.test("calls, errors and times of a model stand in the minute in which they were, and still in the metrics", async () => {
  const { clock, counted, series, call } = open();
  for (let number = 0; number < 19; number++) call(0.1);
  call(8);
  await clock.advance(2 * minuteMs);
  call(0, "unavailable");
  call(0, "cancelled");
  const { stepMs, times, models: [model] } = series.read(3);
  assert.equal(stepMs, minuteMs);
  assert.deepEqual(times.map((ms) => (clock.now() - ms) / minuteMs), [2, 1, 0]);
  assert.deepEqual([model?.model, model?.calls, model?.errors], ["a/big", [20, 0, 1], [0, 0, 1]]);
  assert.deepEqual(model?.slowMs.slice(1), [null, null]);
  const [median, slow] = [model?.medianMs[0] ?? 0, model?.slowMs[0] ?? 0];
  assert.ok(median >= 100 && median <= 125, `median ${median}`);
  assert.ok(slow >= 100 && slow <= 125, `slow ${slow}`);
  assert.equal(counted.valueOf("nexo_llm_requests_total", { result: "ok" }), 20);
  assert.equal(counted.valueOf("nexo_llm_seconds", { stage: "total" }), 20);
});

Deno.test("messages and turns are counted by what became of them", () => {
  const { series } = open();
  const place = { plugin: "telegram", instance: "main" };
  series.metrics.count("nexo_inbound_total", place);
  series.metrics.count("nexo_outbound_total", { ...place, result: "sent" });
  series.metrics.count("nexo_outbound_total", { ...place, result: "dead" });
  for (const outcome of ["answered", "silent", "failed"]) {
    series.metrics.count("nexo_turns_total", { agent: "ana", outcome });
  }
  const { messages, turns } = series.read(1);
  assert.deepEqual([messages, turns], [{ received: [1], sent: [1] }, { answered: [2], failed: [1] }]);
});

Deno.test("a day is kept, in no more steps than a line can show, and no more models than a page can", async () => {
  const { clock, series, call } = open();
  call(1, "ok", "first");
  for (let number = 0; number < 40; number++) call(1, "ok", `m${number}`);
  assert.equal(series.read(60).models.length, 33);
  await clock.advance(23 * 60 * minuteMs);
  call(1);
  const day = series.read(keptMinutes);
  assert.ok(day.times.length <= maxSteps);
  assert.equal(day.models.find(({ model }) => model === "a/first")?.calls.reduce((sum, calls) => sum + calls), 1);
  await clock.advance(2 * 60 * minuteMs);
  call(1);
  assert.equal(series.read(keptMinutes).models.find(({ model }) => model === "a/first"), undefined);
});
