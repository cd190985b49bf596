import type { FakeModel } from "../../tests/fixtures/fake_model.ts";
import { percentile } from "../../tests/fixtures/load.ts";
import { newTestConfig } from "../../tests/fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../../tests/fixtures/nexo_process.ts";
import { runTool } from "../compile/run_tool.ts";
import type { Figure } from "./figure.ts";

const starts = 5;

/** Size of the self-extracting executable, and the time from its spawn to `/ready` 200: unpacking, and after that. */
export async function measureExecutable(model: FakeModel): Promise<readonly Figure[]> {
  await using folder = await openTempDir();
  const executable = `${folder.path}/agent`;
  const script = new URL("../compile.ts", import.meta.url).pathname;
  await runTool(Deno.execPath(), ["run", "-A", script, "--self-extracting", "--output", executable], folder.path);
  const { size } = await Deno.stat(executable);
  const config = newTestConfig({ modelUrl: model.baseUrl });
  const readyMs = async (cache: string) => {
    await using nexo = await startNexo({ executable, config, env: { AGENT_CACHE: cache } });
    return nexo.readyMs;
  };
  const firstMs: number[] = [];
  const laterMs: number[] = [];
  for (let round = 0; round < starts; round++) {
    await using cache = await openTempDir();
    firstMs.push(await readyMs(cache.path));
    laterMs.push(await readyMs(cache.path));
  }
  const figure = (name: string, value: number, unit: string, atMost: number): Figure => (
    { part: "executable", name, value, unit, target: { atMost } }
  );
  return [
    figure("size", size / 1_000_000, "MB", 45),
    figure("ready, first start", percentile(firstMs, 0.5), "ms", 1_500),
    figure("ready, later starts", percentile(laterMs, 0.5), "ms", 600),
  ];
}
