import { dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Live } from "../lib/live.ts";
import { type ConfigFault, formatFault, formatFaults } from "./fault.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import { realDirs } from "./references.ts";
import { logWarnings, newReloader, type ReloaderDeps, type ReloadOutcome } from "./reload.ts";
import { openWatch } from "./watch.ts";

/** What an open config uses. */
export interface ConfigDeps extends ReloaderDeps {
  readonly clock: Clock;
}

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
  const { dir, env, plugins, log, clock } = deps;
  // The watch begins before the first look: an edit in between is seen.
  await using opening = new AsyncDisposableStack();
  const watch = opening.use(openWatch(await findWatched(dir)));
  const first = await loadConfig({ dir, env, plugins, generation: 1 });
  if (!first.ok) throw new AppError("invalid", formatFaults(first.faults));

  const { live, refused, reload, idle } = newReloader(first.loaded, deps);
  logWarnings(first.loaded, log);
  if (watch.failure !== undefined) log.warn("config.watch_failed", { reason: watch.failure });

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
      await idle();
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
    const reason = sayWhyDegraded(refused(), live.current.config.generation, watch.failure);
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
      await idle();
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
  return `Changes of the config are not seen: its folder cannot be watched (${watchFailure}). Restart to see them`;
}
