import { extensionsFileSchema } from "../../src/config/extensions.ts";
import { enableExtension } from "../../src/extensions/manage.ts";
import { discover } from "../../src/extensions/discovery.ts";
import { toPlaces } from "../../src/extensions/places.ts";
import { sdkImports } from "../../src/extensions/stdio.ts";
import { toTemplate } from "../../src/extensions/templates.ts";
import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { percentile, runLoad } from "../../tests/fixtures/load.ts";
import { newTestConfig } from "../../tests/fixtures/nexo_config.ts";
import { type NexoProcess, openTempDir, startNexo } from "../../tests/fixtures/nexo_process.ts";
import { openExtensionWorld } from "../../tests/extensions/world.ts";
import { type Figure, toPercentiles } from "./figure.ts";
import { readProcessUse } from "./proc.ts";
import { openBenchRuntime } from "./runtime.ts";

const part = "extensions";
const count = 50;
const calls = 2_000;
const megabyte = 1_000_000;

/** What extensions cost: to start, to keep, to call, and by being many. */
export async function measureExtensions(model: FakeModel): Promise<readonly Figure[]> {
  return [
    ...await measureFifty(model),
    ...await measureCalls(),
    ...await measureFlood(),
    ...await measureManyTools(model),
  ];
}

/** Half of them modules that our Deno runs, half programs behind bubblewrap. */
async function measureFifty(model: FakeModel): Promise<readonly Figure[]> {
  await using folder = await openTempDir();
  const [searchPath, dataDir] = [`${folder.path}/extensions`, `${folder.path}/data`];
  for (let index = 0; index < count; index++) {
    const id = `bench-${index}`;
    await Deno.mkdir(`${searchPath}/${id}`, { recursive: true });
    for (const { path, text, executable } of toTemplate(index % 2 === 0 ? "ts" : "shell", id)) {
      await Deno.writeTextFile(`${searchPath}/${id}/${path}`, text, { mode: executable ? 0o755 : 0o644 });
    }
  }
  const places = toPlaces(extensionsFileSchema.parse({ search_paths: [searchPath] }), dataDir, {});
  for (const { id, hash } of await discover(places)) await enableExtension(places, id, hash ?? "", Date.now());

  const config = newTestConfig({ modelUrl: model.baseUrl });
  const rssWithout = await startIdle({ config });
  await using nexo = await startNexo({
    config: { ...config, "extensions.yaml": { search_paths: [searchPath] } },
    dataDir,
    readyWithinMs: 60_000,
  });
  const upMs = await untilAllUp(nexo);
  await new Promise((resolve) => setTimeout(resolve, 5_000)); // memory settles
  const { rssBytes } = await readProcessUse(nexo.pid);
  const eachMb = (rssBytes - rssWithout) / megabyte / count;
  return [
    {
      part,
      name: `${count} discovered and started, with the process`,
      value: upMs,
      unit: "ms",
      target: { atMost: 5_000 },
    },
    { part, name: "idle cost to the host, each", value: eachMb, unit: "MB", target: { atMost: 12 } },
  ];
}

async function startIdle(options: Parameters<typeof startNexo>[0]): Promise<number> {
  await using nexo = await startNexo(options);
  await new Promise((resolve) => setTimeout(resolve, 5_000)); // memory settles
  return (await readProcessUse(nexo.pid)).rssBytes;
}

/** Milliseconds from the process's start until every extension is up. */
async function untilAllUp(nexo: NexoProcess): Promise<number> {
  const patience = AbortSignal.timeout(120_000);
  for (;;) {
    const response = await fetch(`${nexo.admin}/api/extensions`, {
      headers: { authorization: `Bearer ${nexo.token}` },
      signal: patience,
    });
    const { extensions }: { extensions: { state: string }[] } = await response.json();
    if (extensions.length === count && extensions.every(({ state }) => state === "up")) {
      return Date.now() - nexo.startedAt;
    }
  }
}

/** A call through the runtime's own way to an extension, beside the same child asked over a bare pipe. */
async function measureCalls(): Promise<readonly Figure[]> {
  await using world = await openExtensionWorld();
  const files = Object.fromEntries(toTemplate("ts", "echo").map(({ path, text }) => [path, text]));
  const folder = await world.write("echo", files);
  await world.open();
  await world.enable("echo");
  const ours = await time(() => world.call("ext_echo_greet", { name: "Ana" }));
  const bare = await timeBare(folder);
  return [
    ...toPercentiles(part, "call of a tool", ours),
    ...toPercentiles(part, "call over a bare pipe", bare),
    {
      part,
      name: "call, added at p50",
      value: percentile(ours, 0.5) - percentile(bare, 0.5),
      unit: "ms",
      target: { atMost: 1 },
    },
  ];
}

async function time(call: () => Promise<unknown>): Promise<readonly number[]> {
  for (let index = 0; index < 200; index++) await call();
  const tookMs: number[] = [];
  for (let index = 0; index < calls; index++) {
    const startedMs = performance.now();
    await call();
    tookMs.push(performance.now() - startedMs);
  }
  return tookMs;
}

async function timeBare(folder: string): Promise<readonly number[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      `--import-map=data:application/json,${encodeURIComponent(JSON.stringify({ imports: sdkImports() }))}`,
      `${folder}/main.ts`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader();
  let id = 0;
  const tookMs = await time(async () => {
    const params = { name: "greet", arguments: { name: "Ana" } };
    await writer.write(
      new TextEncoder().encode(`${JSON.stringify({ jsonrpc: "2.0", id: ++id, method: "tools/call", params })}\n`),
    );
    JSON.parse(new TextDecoder().decode((await reader.read()).value));
  });
  await writer.close();
  await reader.cancel();
  await child.status;
  return tookMs;
}

/** How late a timer of the host fires while an extension floods its output until it is ended for that. */
async function measureFlood(): Promise<readonly Figure[]> {
  const everyMs = 5;
  await using world = await openExtensionWorld();
  const manifest =
    `id = "flood"\nversion = "1.0.0"\n[transport]\ntype = "stdio"\ncommand = "./main.sh"\n[[tools]]\nname = "go"\n`;
  await world.write("flood", { "plugin.toml": manifest, "main.sh": "#!/bin/sh\nexec yes flood\n" });
  await world.open();
  const lateMs: number[] = [];
  let dueMs = performance.now() + everyMs;
  const timer = setInterval(() => {
    lateMs.push(Math.max(0, performance.now() - dueMs));
    dueMs = performance.now() + everyMs;
  }, everyMs);
  await world.enable("flood", ({ reason = "" }) => /lines that answer nothing/.test(reason));
  await new Promise((resolve) => setTimeout(resolve, 2_000)); // it is started and ended again meanwhile
  clearInterval(timer);
  return [{
    part,
    name: "the host's timers late beside one that floods, p90",
    value: percentile(lateMs, 0.9),
    unit: "ms",
    target: { atMost: 10 },
  }];
}

/** Turns with a thousand tools registered, beside turns without them. */
async function measureManyTools(model: FakeModel): Promise<readonly Figure[]> {
  const latency = async (tools: number) => {
    await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl, env: { BENCH_IDLE_TOOLS: String(tools) } });
    const load = (name: string, turns: number) =>
      runLoad(runtime, { agent: "ana", name, turns, concurrency: 1, sessions: 20 });
    await load("warm", 300);
    return percentile((await load("tools", 500)).latenciesMs, 0.5);
  };
  const [few, many] = [await latency(0), await latency(1_000)];
  return [
    { part, name: "turn with 1,000 more tools, added at p50", value: many - few, unit: "ms", target: { atMost: 5 } },
  ];
}
