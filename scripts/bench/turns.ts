import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { percentile, runLoad } from "../../tests/fixtures/load.ts";
import type { NexoProcess } from "../../tests/fixtures/nexo_process.ts";
import { type Figure, toPercentiles } from "./figure.ts";
import { readProcessUse } from "./proc.ts";
import { assertSameWork, openBenchRuntime } from "./runtime.ts";

const agent = "ana";
const megabyte = 1_000_000;

/** One question at a time: what the runtime adds to the model's own time, and the CPU that a turn takes. */
export async function measureSingle(model: FakeModel): Promise<readonly Figure[]> {
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl });
  await load(runtime, { name: "warm", turns: 300, concurrency: 1, sessions: 20 });
  await model.forget();
  const measured = await load(runtime, { name: "single", turns: 1_000, concurrency: 1, sessions: 50 });
  const { requests } = await readRequests(model);
  assertSameWork(requests);
  const addedMs = measured.latenciesMs.map((totalMs, index) => totalMs - (requests[index]?.tookMs ?? NaN));
  return [
    ...toPercentiles("single", "added latency", addedMs, { p50: 6 }),
    { part: "single", name: "CPU a turn", value: measured.cpuMsPerTurn, unit: "ms" },
    {
      part: "single",
      name: "request to the model",
      value: percentile(requests.map(({ sizeBytes }) => sizeBytes / 1_024), 0.5),
      unit: "KiB",
    },
  ];
}

/** 32 conversations that ask without a pause. */
export async function measureMany(model: FakeModel): Promise<readonly Figure[]> {
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl });
  await load(runtime, { name: "warm", turns: 1_000, concurrency: 32, sessions: 32 });
  await model.forget();
  const measured = await load(runtime, { name: "many", turns: 5_000, concurrency: 32, sessions: 32 });
  const { requests, summaries } = await readRequests(model);
  assertSameWork(requests);
  return [
    {
      part: "many",
      name: "turns at 32 sessions",
      value: measured.turnsPerSecond,
      unit: "/s",
      target: { atLeast: 500 },
    },
    ...toPercentiles("many", "turn at 32 sessions", measured.latenciesMs, { p99: 150 }),
    { part: "many", name: "CPU a turn", value: measured.cpuMsPerTurn, unit: "ms", target: { atMost: 2.5 } },
    { part: "many", name: "summaries meanwhile", value: summaries, unit: "" },
  ];
}

/** What 10,000 turns over 2,000 conversations leave in memory. */
export async function measureGrowth(model: FakeModel): Promise<readonly Figure[]> {
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl });
  await load(runtime, { name: "warm", turns: 1, concurrency: 1, sessions: 1 });
  await settle();
  const before = await readProcessUse(runtime.pid);
  const measured = await load(runtime, { name: "growth", turns: 10_000, concurrency: 32, sessions: 2_000 });
  await settle();
  const after = await readProcessUse(runtime.pid);
  return [
    { part: "growth", name: "memory before", value: before.rssBytes / megabyte, unit: "MB" },
    {
      part: "growth",
      name: "growth by 10,000 turns",
      value: (after.rssBytes - before.rssBytes) / megabyte,
      unit: "MB",
      target: { atMost: 50 },
    },
    { part: "growth", name: "turns over 2,000 sessions", value: measured.turnsPerSecond, unit: "/s" },
  ];
}

/** What turns asked of the model, and how often it was asked for the summary of a conversation, which has no tools. */
async function readRequests(model: FakeModel) {
  const all = await model.requests();
  const requests = all.filter(({ toolCount }) => toolCount > 0);
  return { requests, summaries: all.length - requests.length };
}

interface Share {
  readonly name: string;
  readonly turns: number;
  readonly concurrency: number;
  readonly sessions: number;
}

async function load(runtime: NexoProcess, share: Share) {
  const before = await readProcessUse(runtime.pid);
  const { latenciesMs, failures, tookMs } = await runLoad(runtime, { agent, ...share });
  const after = await readProcessUse(runtime.pid);
  if (failures.length > 0) throw new Error(`${failures.length} turns of ${share.name} failed, first: ${failures[0]}`);
  return {
    latenciesMs,
    turnsPerSecond: latenciesMs.length / (tookMs / 1_000),
    cpuMsPerTurn: (after.cpuMs - before.cpuMs) / latenciesMs.length,
  };
}

/** Memory is read when the process has come to rest. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3_000));
}
