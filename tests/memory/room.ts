import { memoryFileSchema } from "../../src/config/memory.ts";
import type { NewFact, Viewer } from "../../src/core/memory.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { type LiveSource, newLive } from "../../src/lib/live.ts";
import type { LongTermConfig } from "../../src/config/memory.ts";
import { type MemoryDeps, type MemoryRoom, openMemory } from "../../src/memory/open.ts";
import { getLoadablePath } from "sqlite-vec";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** A memory on real files with a real worker. */
export interface TestMemory extends AsyncDisposable {
  readonly memory: MemoryRoom;
  readonly folder: string;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly config: LiveSource<LongTermConfig>;
  /** Path of an agent's file. */
  path(agent: string): string;
  /** Resolves when every fact that an agent has been given has its vector. */
  indexed(texts: number): Promise<void>;
}

/** What {@linkcode openTestMemory} may be told. */
export interface TestMemoryOptions extends Partial<Omit<MemoryDeps, "config">> {
  /** `long_term` of memory.yaml. */
  readonly longTerm?: unknown;
}

/** `long_term` as memory.yaml would have it. */
export function toLongTerm(longTerm: unknown = {}): LongTermConfig {
  return memoryFileSchema.parse({ long_term: longTerm }).long_term;
}

/** Opens a memory; its folder is removed with it unless it was given. */
export async function openTestMemory(options: TestMemoryOptions = {}): Promise<TestMemory> {
  const { longTerm, ...deps } = options;
  const own = options.folder === undefined ? await Deno.makeTempDir() : undefined;
  const folder = options.folder ?? own ?? "";
  const log = newRecordedLog();
  const metrics = newRecordedMetrics();
  const config = newLive(toLongTerm(longTerm));
  const memory = openMemory({
    vectorLibrary: getLoadablePath(),
    clock: systemClock,
    log,
    metrics,
    ...deps,
    folder,
    config,
  });
  return {
    memory,
    folder,
    log,
    metrics,
    config,
    path: (agent) => `${folder}/${agent}/memory.db`,
    async indexed(texts) {
      const series = "nexo_memory_indexed_total";
      const until = AbortSignal.timeout(60_000);
      for (let writes = 1; metrics.valueOf(series) < texts; writes = metrics.writesOf(series) + 1) {
        await metrics.untilWritten(series, {}, writes, until);
      }
    },
    async [Symbol.asyncDispose]() {
      await memory[Symbol.asyncDispose]();
      if (own !== undefined) await Deno.remove(own, { recursive: true });
    },
  };
}

/** The eyes of an operator. */
export const operator: Viewer = { kind: "operator" };

/** Somebody in a private chat. */
export function toPrivate(person: string): Viewer {
  return { kind: "talk", person, isGroup: false, conversation: `ana/telegram/sales/${person}` };
}

/** Somebody in a group. */
export function toGroup(person: string, group: string): Viewer {
  return { kind: "talk", person, isGroup: true, conversation: `ana/telegram/sales/${group}` };
}

/** A fact for everyone, unless said otherwise. */
export function newFact(text: string, more: Partial<NewFact> = {}): NewFact {
  return { text, tags: [], importance: 0.5, audience: "everyone", supersedes: [], key: crypto.randomUUID(), ...more };
}

/** A signal that nobody fires. */
export const never: AbortSignal = new AbortController().signal;
