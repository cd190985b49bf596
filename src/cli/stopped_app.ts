import { lockDataFolder } from "../app/lock.ts";
import { openWorkspaceRoom, toShelves } from "../app/workspaces.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Workspaces } from "../core/workspace.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/id.ts";
import { newStderrOutput, openLog } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { requireConfig } from "./config.ts";

/** The parts of a runtime that commands use while no process runs. Holds the data folder's lock. */
export interface StoppedApp extends AsyncDisposable {
  readonly config: Config;
  readonly workspaces: Workspaces;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Opens the parts of a runtime on which nothing runs.
 *
 * @throws {AppError} `invalid` for a faulty config, `conflict` for a data folder that a process holds.
 */
export async function openStoppedApp(
  { configDir, dataDir, env }: {
    readonly configDir: string;
    readonly dataDir: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<StoppedApp> {
  const config = await requireConfig(configDir, env);
  await using opening = new AsyncDisposableStack();
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  const holder = { pid: Deno.pid, bootId: newId(), startedAt: new Date().toISOString() };
  opening.use(await lockDataFolder(dataDir, { holder }));
  const clock = systemClock;
  const log = opening.use(
    openLog({ clock, output: newStderrOutput() }, { level: "warn", format: "auto", redact: true }),
  );
  const metrics = newMetrics(log);
  const shelves = toShelves(configDir, dataDir);
  const workspaces = opening.use(openWorkspaceRoom({ config: { current: config }, shelves, log, metrics, clock }));
  const owned = opening.move();
  return { config, workspaces, log, metrics, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
