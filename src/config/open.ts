import { dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SubsystemStatus } from "../core/status.ts";
import { type Live, newLive } from "../lib/live.ts";
import type { Config, PluginSchema } from "./config.ts";
import { type ConfigFault, formatFault, formatFaults } from "./fault.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import { realDirs } from "./references.ts";
import { deepFreeze, keepSame } from "./same.ts";
import { openWatch } from "./watch.ts";

/** What an open config uses. */
export interface ConfigDeps {
  /** Config folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly plugins: readonly PluginSchema[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

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

/** The config in force, kept up to date with its folder. */
export interface OpenConfig extends AsyncDisposable {
  /**
   * Changes with each applied reload, and with edits that only move lines. `config` and each part of it keep their
   * identity while they say the same, so `===` tells what has changed.
   */
  readonly live: Live<LoadedConfig>;
  status(): SubsystemStatus;
  /** Reads the folder now. Reloads run one after the other. */
  reload(): Promise<ReloadOutcome>;
}

/** Continuous changes must not put a reload off for ever: after this many quiet times it happens anyway. */
const maxPostponements = 10;

/**
 * Loads the config and watches its folder until disposed or `signal` fires. A faulty edit is refused: the config in
 * force stays, and `status()` says what is wrong.
 *
 * @throws {AppError} `invalid` when the first load has faults; its message is the whole report.
 */
export async function openConfig(deps: ConfigDeps, signal: AbortSignal): Promise<OpenConfig> {
  const { dir, env, plugins, log, metrics, clock } = deps;
  // The watch begins before the first look: an edit in between is seen.
  await using opening = new AsyncDisposableStack();
  const watch = opening.use(openWatch(await findWatched(dir)));
  const first = await loadConfig({ dir, env, plugins, generation: 1 });
  if (!first.ok) throw new AppError("invalid", formatFaults(first.faults));

  const atStart = first.loaded.config;
  const live = newLive(first.loaded);
  let refused: readonly ConfigFault[] = [];
  metrics.gauge("nexo_config_generation", {}, 1);
  logWarnings(first.loaded, log);
  if (watch.failure !== undefined) log.warn("config.watch_failed", { reason: watch.failure });

  async function reloadNow(): Promise<ReloadOutcome> {
    const before = live.current.config;
    const { generation } = before;
    const next = await loadConfig({ dir, env, plugins, generation });
    if (!next.ok) {
      refused = next.faults;
      metrics.count("nexo_config_reloads_total", { result: "refused" });
      const first = refused.slice(0, 1).map(formatFault).join();
      log.warn("config.refused", { faults: refused.length, first, generation });
      return { result: "refused", faults: refused };
    }
    if (refused.length > 0) log.info("config.restored", { generation });
    refused = [];
    const config = keepSame<Config>(before, next.loaded.config);
    if (config === before) {
      live.set({ ...next.loaded, config });
      return { result: "unchanged" };
    }
    const applied = deepFreeze({ ...config, generation: generation + 1 });
    live.set({ ...next.loaded, config: applied });
    metrics.gauge("nexo_config_generation", {}, applied.generation);
    metrics.count("nexo_config_reloads_total", { result: "applied" });
    log.info("config.applied", { generation: applied.generation });
    logWarnings(next.loaded, log);
    const restartNeeded = findRestartNeeded(atStart, applied);
    if (restartNeeded.length > 0) log.warn("config.restart_needed", { paths: restartNeeded.join(" ") });
    return { result: "applied", generation: applied.generation, restartNeeded };
  }

  let last: Promise<unknown> = Promise.resolve();
  function reload(): Promise<ReloadOutcome> {
    const mine = last.then(reloadNow);
    last = mine.catch((error: unknown) => log.error("config.reload_failed", { error: toAppError(error).message }));
    return mine;
  }

  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const following = follow().catch((error: unknown) => {
    if (!until.aborted) log.error("config.watch_failed", { error: toAppError(error).message });
  });
  until.addEventListener("abort", () => void watch[Symbol.asyncDispose](), { once: true });

  async function follow(): Promise<void> {
    for (let seen = 0; !until.aborted;) {
      await watch.changed(seen);
      const { enabled, debounce } = live.current.config.runtime.reload;
      seen = enabled ? await settle(debounce) : watch.count;
      if (!enabled) continue;
      void reload();
      await last;
    }
  }

  /** Waits until nothing has changed for `quietMs`. @returns How many changes there were by then. */
  async function settle(quietMs: number): Promise<number> {
    for (let round = 0; round < maxPostponements; round++) {
      const seen = watch.count;
      await clock.wait(quietMs, until);
      if (watch.count === seen) break;
    }
    return watch.count;
  }

  function status(): SubsystemStatus {
    const reason = sayWhyDegraded(refused, live.current.config.generation, watch.failure);
    if (reason === undefined) return { name: "config", state: "ok", critical: false };
    return { name: "config", state: "degraded", reason, critical: false };
  }

  const parts = opening.move();
  return {
    live,
    status,
    reload,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await parts.disposeAsync();
      await following;
      await last;
    },
  };
}

/** The folder itself, and secrets/ beside it, which references may name. A missing folder is the first load's to report. */
async function findWatched(dir: string): Promise<string[]> {
  const roots = await realDirs([dir]);
  return [...roots, ...await realDirs(roots.map((root) => join(dirname(root), "secrets")))];
}

function sayWhyDegraded(
  refused: readonly ConfigFault[],
  generation: number,
  watchFailure: string | undefined,
): string | undefined {
  const [fault] = refused;
  if (fault !== undefined) {
    const count = refused.length === 1 ? "1 fault" : `${refused.length} faults`;
    return `The edited config was refused (${count}), generation ${generation} stays in force. ` +
      `${formatFault(fault)}. Remedy: ${fault.remedy}`;
  }
  if (watchFailure === undefined) return undefined;
  return `The config folder cannot be watched (${watchFailure}): restart to apply changes`;
}

function logWarnings({ warnings }: LoadedConfig, log: Log): void {
  for (const warning of warnings) {
    log.warn("config.warning", { warning: formatFault(warning), remedy: warning.remedy });
  }
}

/** What a running process cannot take over: sockets that are open, the bus, and how logs are written. */
function findRestartNeeded(atStart: Config, now: Config): string[] {
  const fixed: readonly (readonly [string, (config: Config) => unknown])[] = [
    ["runtime.http.health", ({ runtime }) => runtime.http.health],
    ["runtime.http.metrics", ({ runtime }) => runtime.http.metrics],
    ["runtime.http.admin", ({ runtime }) => runtime.http.admin],
    ["runtime.log.format", ({ runtime }) => runtime.log.format],
    ["broker", ({ broker }) => broker],
  ];
  return fixed.filter(([, read]) => keepSame(read(atStart), read(now)) !== read(atStart)).map(([path]) => path);
}
