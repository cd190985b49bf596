import assert from "node:assert/strict";
import { openFakeBotApi } from "../fixtures/fake_bot_api.ts";
import { openFakeModel } from "../fixtures/fake_model.ts";
import { percentile } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import { openTempDir, startNexo } from "../fixtures/nexo_process.ts";
import { openProbe } from "../fixtures/probe_tools.ts";
import { newChats } from "./chats.ts";

/** How hard a runtime is treated. */
export interface CrashCampaign {
  readonly kills: number;
  readonly updates: number;
  readonly chats: number;
  /** The same seed makes the same choices; the moments still differ, as clocks do. */
  readonly seed: number;
  /** Most milliseconds from a start, with work left over, to its first model call. */
  readonly recoveryWithinMs: number;
}

const toolTexts = ["", "", "tool:probe_none {}", "tool:probe_idempotent {}", "tool:probe_once {}"];

/**
 * Kills the process at random moments, also while it starts, under a load that goes on, and checks that every update was
 * answered as promised. Gives the recovery times, milliseconds.
 */
export async function crashAtRandom(campaign: CrashCampaign): Promise<readonly number[]> {
  const { kills, updates, chats: chatCount, seed, recoveryWithinMs } = campaign;
  const random = newRandom(seed);
  await using model = openFakeModel();
  await using telegram = await openFakeBotApi();
  await using probe = openProbe();
  await using data = await openTempDir();
  const chats = newChats(telegram);
  await model.setRules([{ firstDelayMs: 20, pieceDelayMs: 10 }]);
  const start = (signal?: AbortSignal) =>
    startNexo({
      config: newTestConfig({ modelUrl: model.baseUrl, telegram, agent: { allowed_tools: ["probe_*"] } }),
      dataDir: data.path,
      entry: new URL("../fixtures/crash_main.ts", import.meta.url),
      env: { PROBE_URL: probe.url },
      ...(signal ? { signal } : {}),
    });
  let written = 0;
  const write = (count: number) => {
    for (; count > 0 && written < updates; count--, written++) {
      chats.write(1 + Math.floor(random() * chatCount), toolTexts[Math.floor(random() * toolTexts.length)]);
    }
  };

  const recoveriesMs: number[] = [];
  for (let kill = 0; kill < kills; kill++) {
    write(Math.ceil(updates / kills));
    if (random() < 0.2) {
      // While it starts, or where it was faster than that, right after.
      const [early] = await Promise.allSettled([start(AbortSignal.timeout(Math.floor(random() * 400)))]);
      if (early.status === "fulfilled") {
        await using _early = early.value;
        early.value.kill("SIGKILL");
        await early.value.stopped;
      }
      continue;
    }
    const startedAt = Date.now();
    await using nexo = await start();
    await new Promise((resolve) => setTimeout(resolve, random() * 500));
    const asked = (await model.requests()).find(({ at }) => at >= startedAt);
    if (asked) recoveriesMs.push(asked.at - startedAt);
    nexo.kill("SIGKILL");
    await nexo.stopped;
  }
  {
    await using nexo = await start();
    write(updates);
    await chats.answered(AbortSignal.timeout(300_000));
    await nexo.idle();
  }
  chats.check(data.path);
  // Not the slowest: others use the machine too.
  const medianMs = percentile(recoveriesMs, 0.5);
  assert.ok(medianMs < recoveryWithinMs, `median recovery ${medianMs} ms, seed ${seed}`);
  return recoveriesMs;
}

/** Pseudo-random numbers from 0 to 1 (mulberry32). */
function newRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
