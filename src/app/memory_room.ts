import { fileURLToPath } from "node:url";
import { getLoadablePath } from "sqlite-vec";
import type { Config } from "../config/config.ts";
import { memoryFileSchema } from "../config/memory.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Tool } from "../core/tool.ts";
import { type Live, newLive } from "../lib/live.ts";
import { mapLive } from "../lib/map_live.ts";
import { type MemoryRoom, openMemory } from "../memory/open.ts";
import { newMemoryTools } from "../tools/memory.ts";

/** Long-term memory as the rooms use it. */
export interface AppMemory extends AsyncDisposable {
  readonly memory: MemoryRoom;
  /** Other tools, and those of memory while it is on. */
  withTools(others: readonly Tool[]): Live<readonly Tool[]>;
}

/** Opens long-term memory below the data folder, with the tools that it gives to agents. */
export function openMemoryRoom(
  { config, dataDir, log, metrics, clock }: {
    readonly config: Live<Config>;
    readonly dataDir: string;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): AppMemory {
  const memory = openMemory({
    config: mapLive(config, ({ memory }) => memory.long_term),
    folder: `${dataDir}/agents`,
    vectorLibrary: findVectorLibrary(log, dataDir),
    log,
    metrics,
    clock,
  });
  const own = newMemoryTools(memory);
  return {
    memory,
    withTools(others) {
      const all = [...others, ...own];
      return mapLive(config, ({ memory }) => memory.long_term.enabled ? all : others);
    },
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
}

/** Opens the memories of a data folder on which nothing runs. Facts are found by their words; no vectors are made. */
export function openMemoryFiles(
  { dataDir, ...deps }: {
    readonly dataDir: string;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): MemoryRoom {
  const { long_term } = memoryFileSchema.parse({ long_term: { embedder: { kind: "none" } } });
  return openMemory({ ...deps, config: newLive(long_term), folder: `${dataDir}/agents`, vectorLibrary: undefined });
}

/** Beside a compiled program; from the sources the package has it. */
const besideProgram = new URL("../../vec0.library", import.meta.url);

/** Path of sqlite-vec's library, where there is one for this machine. */
export function findVectorLibrary(log: Log, dataDir: string): string | undefined {
  try {
    return getLoadablePath();
  } catch (thrown) {
    if (!isFile(besideProgram)) {
      log.warn("memory.no_vector_library", { error: toAppError(thrown).message });
      return undefined;
    }
    return Deno.build.standalone ? placeLibrary(besideProgram, dataDir) : fileURLToPath(besideProgram);
  }
}

/**
 * Copies a native library from inside of an executable, where the system cannot load it, into a folder of the data
 * folder that nobody else can write. Anew each time: what lies there is not trusted.
 *
 * @returns Path of the copy.
 */
export function placeLibrary(library: URL, dataDir: string): string {
  const folder = `${dataDir}/native`;
  Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const unfinished = Deno.makeTempFileSync({ dir: folder, prefix: ".vec0-" });
  Deno.writeFileSync(unfinished, Deno.readFileSync(library));
  Deno.renameSync(unfinished, `${folder}/vec0.library`);
  return `${folder}/vec0.library`;
}

/** Asked once, before the process is ready. */
function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
