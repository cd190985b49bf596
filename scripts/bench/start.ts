import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { runAgent } from "../../tests/fixtures/agent_command.ts";
import { openFakeBotApi } from "../../tests/fixtures/fake_bot_api.ts";
import { percentile } from "../../tests/fixtures/load.ts";
import { openTempDir } from "../../tests/fixtures/nexo_process.ts";
import type { Figure } from "./figure.ts";
import { readProcessUse } from "./proc.ts";
import { openBenchRuntime } from "./runtime.ts";

const starts = 5;

/**
 * Time from spawn to `/ready` 200, medians. Warm: Deno has compiled the modules before. Cold: it has the packages but
 * none of its caches, as at the first start after an installation.
 */
export async function measureStart(model: FakeModel): Promise<readonly Figure[]> {
  const warmMs: number[] = [];
  const coldMs: number[] = [];
  await readyMs(model, {});
  for (let round = 0; round < starts; round++) warmMs.push(await readyMs(model, {}));
  for (let round = 0; round < starts; round++) {
    await using cache = await openTempDir();
    await linkPackages(cache.path);
    coldMs.push(await readyMs(model, { DENO_DIR: cache.path }));
  }
  return [
    { part: "start", name: "ready, warm", value: percentile(warmMs, 0.5), unit: "ms", target: { atMost: 1_000 } },
    { part: "start", name: "ready, cold", value: percentile(coldMs, 0.5), unit: "ms" },
    {
      part: "start",
      name: "agent doctor, asking nobody",
      value: await doctorMs(),
      unit: "ms",
      target: { atMost: 2_000 },
    },
  ];
}

/** Memory of the idle process with Telegram's worker polling. */
export async function measureIdle(model: FakeModel): Promise<readonly Figure[]> {
  await using telegram = await openFakeBotApi();
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl, telegram });
  await telegram.nextCall(({ method }) => method === "getUpdates", AbortSignal.timeout(20_000));
  await new Promise((resolve) => setTimeout(resolve, 5_000)); // at rest, as a process that nobody talks to
  const { rssBytes } = await readProcessUse(runtime.pid);
  return [{
    part: "idle",
    name: "memory with Telegram",
    value: rssBytes / 1_000_000,
    unit: "MB",
    target: { atMost: 150 },
  }];
}

async function readyMs(model: FakeModel, env: Readonly<Record<string, string>>): Promise<number> {
  await using runtime = await openBenchRuntime({ modelUrl: model.baseUrl, env });
  return runtime.readyMs;
}

/** Median time of `agent doctor` with the config that the program writes to start from. */
async function doctorMs(): Promise<number> {
  await using folder = await openTempDir();
  const anyPort = "127.0.0.1:0";
  const env = {
    AGENT_CONFIG: `${folder.path}/config`,
    AGENT_DATA: `${folder.path}/data`,
    AGENT_HEALTH_ADDR: anyPort,
    AGENT_METRICS_ADDR: anyPort,
    AGENT_ADMIN_ADDR: anyPort,
  };
  const made = await runAgent(["setup", "agent", "--id", "ana", "--language", "en"], { env });
  if (made.code !== 0) throw new Error(made.stderr);
  const tookMs: number[] = [];
  for (let round = 0; round < starts; round++) {
    const beganAt = performance.now();
    const { stdout } = await runAgent(["doctor"], { env });
    tookMs.push(performance.now() - beganAt);
    if (!/^.*\bok\b/m.test(stdout)) throw new Error(stdout);
  }
  return percentile(tookMs, 0.5);
}

/** Makes `folder` a DENO_DIR that knows this one's packages and nothing else. */
async function linkPackages(folder: string): Promise<void> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"], stdout: "piped" }).output();
  const { denoDir }: { denoDir: string } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.symlink(`${denoDir}/npm`, `${folder}/npm`);
}
