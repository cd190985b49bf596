import assert from "node:assert/strict";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newMetrics } from "../../src/telemetry/metrics.ts";
import { openProcessMetrics } from "../../src/telemetry/process.ts";

Deno.test("a timer that fires late is seen as event-loop lag", async () => {
  const metrics = newMetrics(newRecordedLog());
  const clock = newFakeClock();
  let lateMs = 0;
  const stalling = { ...clock, monotonic: () => clock.monotonic() + lateMs };
  await using _process = openProcessMetrics({ metrics, clock: stalling, version: "1.2.3" });
  await clock.untilWaiting(1);
  lateMs = 200;
  await clock.advance(500);
  const text = await metrics.text();
  assert.match(text, /nexo_event_loop_lag_seconds_bucket\{le="0\.1"\} 0\n/);
  assert.match(text, /nexo_event_loop_lag_seconds_bucket\{le="0\.25"\} 1\n/);
});

Deno.test("a scrape says what runs and how much memory it takes, and disposing leaves no wait behind", async () => {
  const metrics = newMetrics(newRecordedLog());
  const clock = newFakeClock();
  const process = openProcessMetrics({ metrics, clock, version: "1.2.3" });
  await clock.untilWaiting(1);
  const text = await metrics.text();
  assert.ok(text.includes(`nexo_build_info{version="1.2.3",deno="${Deno.version.deno}"} 1\n`));
  const [, bytes] = /^nexo_process_resident_memory_bytes (\d+)$/m.exec(text) ?? [];
  assert.ok(Number(bytes) > 10_000_000);
  await process[Symbol.asyncDispose]();
  await process[Symbol.asyncDispose]();
  assert.equal(clock.waiting, 0);
});
