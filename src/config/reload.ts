import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { type Live, newLive } from "../lib/live.ts";
import type { Config, PluginSchema } from "./config.ts";
import { type ConfigFault, formatFault } from "./fault.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import { deepFreeze, keepSame } from "./same.ts";

/** What became of a reload. */
export type ReloadOutcome =
  | {
    readonly result: "applied";
    readonly generation: number;
    /** Changed settings that a running process cannot take over. */
    readonly restartNeeded: readonly string[];
  }
  | { readonly result: "unchanged" }
  | { readonly result: "refused"; readonly faults: readonly ConfigFault[] };

/** What a reloader uses. */
export interface ReloaderDeps {
  /** Config folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly plugins: readonly PluginSchema[];
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Holds the config in force and replaces it. */
export interface Reloader {
  readonly live: Live<LoadedConfig>;
  /** Faults of the newest reload; empty where it was good. */
  refused(): readonly ConfigFault[];
  /** Reads the folder now. Reloads run one after the other. @throws {AppError} `bug` and the like, which is logged. */
  reload(): Promise<ReloadOutcome>;
  /** Resolves when no reload is under way. */
  idle(): Promise<void>;
}

/** Makes a {@linkcode Reloader} with `first` in force. */
export function newReloader(first: LoadedConfig, { dir, env, plugins, log, metrics }: ReloaderDeps): Reloader {
  const live = newLive(first);
  let refused: readonly ConfigFault[] = [];
  let last: Promise<void> = Promise.resolve();
  metrics.gauge("nexo_config_generation", {}, first.config.generation);

  async function reloadNow(): Promise<ReloadOutcome> {
    const before = live.current.config;
    const next = await loadConfig({ dir, env, plugins, generation: before.generation });
    if (!next.ok) return refuse(next.faults, before);
    if (refused.length > 0) log.info("config.restored", { generation: before.generation });
    refused = [];
    const config = keepSame<Config>(before, next.loaded.config);
    if (config !== before) return apply(next.loaded, { ...config, generation: before.generation + 1 });
    live.set({ ...next.loaded, config });
    return { result: "unchanged" };
  }

  function refuse(faults: readonly ConfigFault[], { generation }: Config): ReloadOutcome {
    refused = faults;
    metrics.count("nexo_config_reloads_total", { result: "refused" });
    log.warn("config.refused", {
      faults: faults.length,
      first: faults.slice(0, 1).map(formatFault).join(),
      generation,
    });
    return { result: "refused", faults };
  }

  function apply(loaded: LoadedConfig, config: Config): ReloadOutcome {
    const { generation } = config;
    live.set({ ...loaded, config: deepFreeze(config) });
    metrics.gauge("nexo_config_generation", {}, generation);
    metrics.count("nexo_config_reloads_total", { result: "applied" });
    log.info("config.applied", { generation });
    logWarnings(loaded, log);
    const restartNeeded = findRestartNeeded(first.config, config);
    if (restartNeeded.length > 0) log.warn("config.restart_needed", { paths: restartNeeded.join(" ") });
    return { result: "applied", generation, restartNeeded };
  }

  return {
    live,
    refused: () => refused,
    reload() {
      const mine = last.then(reloadNow);
      last = mine.then(
        () => undefined,
        (error: unknown) => log.error("config.reload_failed", { error: toAppError(error).message }),
      );
      return mine;
    },
    idle: () => last,
  };
}

/** Logs what is unwise in a loaded config. */
export function logWarnings({ warnings }: LoadedConfig, log: Log): void {
  for (const warning of warnings) {
    log.warn("config.warning", { warning: formatFault(warning), remedy: warning.remedy });
  }
}

/** What a running process cannot take over: sockets that are open, the bus, and how large the ledger may grow. */
function findRestartNeeded(atStart: Config, now: Config): string[] {
  const fixed: readonly (readonly [string, (config: Config) => unknown])[] = [
    ["runtime.http.health", ({ runtime }) => runtime.http.health],
    ["runtime.http.metrics", ({ runtime }) => runtime.http.metrics],
    ["runtime.http.admin", ({ runtime }) => runtime.http.admin],
    ["runtime.limits.max_ledger_bytes", ({ runtime }) => runtime.limits.max_ledger_bytes],
    ["broker", ({ broker }) => broker],
  ];
  return fixed.filter(([, read]) => keepSame(read(atStart), read(now)) !== read(atStart)).map(([path]) => path);
}
