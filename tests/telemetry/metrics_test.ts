import assert from "node:assert/strict";
import { metricTable } from "../../src/core/metrics.ts";
import { newMetrics } from "../../src/telemetry/metrics.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";

const silent = newRecordedLog();

/** Lines of a scrape about one metric, without its HELP and TYPE. */
async function samplesOf(metrics: { text(): Promise<string> }, name: string): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
}

Deno.test("a scrape names every metric of the table with its help and type, and no other", async () => {
  const lines = (await newMetrics(silent).text()).split("\n");
  const declared = Object.entries(metricTable);
  assert.deepEqual(
    lines.filter((line) => line.startsWith("# HELP ")),
    declared.map(([name, { help }]) => `# HELP ${name} ${help}`),
  );
  assert.deepEqual(
    lines.filter((line) => line.startsWith("# TYPE ")),
    declared.map(([name, { type }]) => `# TYPE ${name} ${type}`),
  );
});

Deno.test("a metric without labels stands at zero before anything happens", async () => {
  const metrics = newMetrics(silent);
  assert.deepEqual(await samplesOf(metrics, "nexo_turns_running"), ["nexo_turns_running 0"]);
  assert.deepEqual((await samplesOf(metrics, "nexo_ledger_commit_seconds")).slice(-3), [
    'nexo_ledger_commit_seconds_bucket{le="+Inf"} 0',
    "nexo_ledger_commit_seconds_sum 0",
    "nexo_ledger_commit_seconds_count 0",
  ]);
});

Deno.test("counters add up by labels, in the order of the table's labels", async () => {
  const metrics = newMetrics(silent);
  metrics.count("nexo_turns_total", { outcome: "answered", agent: "ana" });
  metrics.count("nexo_turns_total", { agent: "ana", outcome: "answered" }, 2);
  metrics.count("nexo_turns_total", { agent: "ana", outcome: "failed" });
  assert.deepEqual(await samplesOf(metrics, "nexo_turns_total"), [
    'nexo_turns_total{agent="ana",outcome="answered"} 3',
    'nexo_turns_total{agent="ana",outcome="failed"} 1',
  ]);
});

Deno.test("a gauge without a value is gone from the scrape, and its siblings stay", async () => {
  const metrics = newMetrics(silent);
  for (const server of ["wiki", "shop"]) metrics.gauge("nexo_mcp_server_up", { server }, 0);
  metrics.gauge("nexo_mcp_server_up", { server: "wiki" }, undefined);
  metrics.gauge("nexo_mcp_server_up", { server: "never" }, undefined);
  assert.deepEqual(await samplesOf(metrics, "nexo_mcp_server_up"), ['nexo_mcp_server_up{server="shop"} 0']);
});

Deno.test("a histogram's buckets count what is at or below their bound", async () => {
  const metrics = newMetrics(silent);
  for (const seconds of [0.05, 0.06, 119, 500]) metrics.observe("nexo_tool_seconds", { tool: "clock" }, seconds);
  const samples = await samplesOf(metrics, "nexo_tool_seconds");
  assert.equal(samples[0], 'nexo_tool_seconds_bucket{tool="clock",le="0.05"} 1');
  assert.equal(samples[1], 'nexo_tool_seconds_bucket{tool="clock",le="0.1"} 2');
  assert.deepEqual(samples.slice(-4), [
    'nexo_tool_seconds_bucket{tool="clock",le="120"} 3',
    'nexo_tool_seconds_bucket{tool="clock",le="+Inf"} 4',
    'nexo_tool_seconds_sum{tool="clock"} 619.11',
    'nexo_tool_seconds_count{tool="clock"} 4',
  ]);
});

Deno.test("a gauge that is collected on a scrape is asked each time, until its collector is disposed", async () => {
  const metrics = newMetrics(silent);
  let asked = 0;
  const collector = metrics.onScrape(() => metrics.gauge("nexo_lanes", {}, ++asked));
  assert.deepEqual(await samplesOf(metrics, "nexo_lanes"), ["nexo_lanes 1"]);
  assert.deepEqual(await samplesOf(metrics, "nexo_lanes"), ["nexo_lanes 2"]);
  collector[Symbol.dispose]();
  assert.deepEqual(await samplesOf(metrics, "nexo_lanes"), ["nexo_lanes 2"]);
});

Deno.test("a collector that fails is logged and spoils nobody else's metrics", async () => {
  const log = newRecordedLog();
  const metrics = newMetrics(log);
  metrics.onScrape(() => Promise.reject(new Error("disk gone")));
  metrics.onScrape(() => metrics.gauge("nexo_lanes", {}, 7));
  assert.deepEqual(await samplesOf(metrics, "nexo_lanes"), ["nexo_lanes 7"]);
  assert.deepEqual(log.entries, [{ level: "warn", event: "metrics.collect_failed", fields: { error: "disk gone" } }]);
});

Deno.test("a value that makes no sense is logged and not recorded", async () => {
  const log = newRecordedLog();
  const metrics = newMetrics(log);
  metrics.gauge("nexo_lanes", {}, NaN);
  metrics.count("nexo_turns_resumed_total", { agent: "ana" }, -1);
  assert.deepEqual(log.entries.map((entry) => entry.fields["metric"]), ["nexo_lanes", "nexo_turns_resumed_total"]);
  assert.deepEqual(await samplesOf(metrics, "nexo_turns_resumed_total"), []);
});

Deno.test("label values are escaped", async () => {
  const metrics = newMetrics(silent);
  metrics.count("nexo_turns_resumed_total", { agent: 'a"b\\c\nd' });
  assert.deepEqual(await samplesOf(metrics, "nexo_turns_resumed_total"), [
    String.raw`nexo_turns_resumed_total{agent="a\"b\\c\nd"} 1`,
  ]);
});

Deno.test("label sets beyond the bound are counted as other", async () => {
  const metrics = newMetrics(silent);
  for (let index = 0; index < 1_500; index++) metrics.count("nexo_turns_resumed_total", { agent: `a${index}` });
  const samples = await samplesOf(metrics, "nexo_turns_resumed_total");
  assert.equal(samples.length, 1_001);
  assert.equal(samples.at(-1), 'nexo_turns_resumed_total{agent="other"} 500');
});
