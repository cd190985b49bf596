import type { Config } from "../config/config.ts";
import type { LoadedConfig } from "../config/load.ts";
import { openConfig } from "../config/open.ts";
import type { AnyHook } from "../core/hook.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Tool } from "../core/tool.ts";
import { version } from "../core/version.ts";
import type { HttpRoom } from "../http/open.ts";
import type { Status } from "../http/status_api.ts";
import { toStatus } from "../http/views.ts";
import { newHistory } from "../ledger/history.ts";
import { systemClock } from "../lib/clock.ts";
import { concatLive } from "../lib/concat_live.ts";
import { newId } from "../lib/id.ts";
import { type Live, newLive } from "../lib/live.ts";
import { mapLive } from "../lib/map_live.ts";
import { openLlm } from "../llm/open.ts";
import { openPluginHost } from "../plugins/host.ts";
import { newStderrOutput, openLog } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { openProcessMetrics } from "../telemetry/process.ts";
import { newRecentLog } from "../telemetry/recent_log.ts";
import { newSeries } from "../telemetry/series.ts";
import { newTracer } from "../telemetry/trace.ts";
import { type AgentsRoom, openAgentsRoom } from "./agents_room.ts";
import { type Addresses, openDataFolder, openRunFile } from "./data_folder.ts";
import { newDesk } from "./desk.ts";
import { openDreamRoom } from "./dreaming.ts";
import { openFlows } from "./flows.ts";
import { openFront } from "./front.ts";
import { newIntakeGate, newLoadWatch } from "./intake.ts";
import { newLater } from "./later.ts";
import { openLedgerRoom } from "./ledger_room.ts";
import { openMemoryRoom } from "./memory_room.ts";
import { openBusRoom } from "./open_bus.ts";
import { openOthers } from "./others.ts";
import { openPause } from "./pause.ts";
import { plugins } from "./registry.ts";
import { toAgentsStatus, toIntakeStatus, toLedgerStatus } from "./subsystems.ts";
import { openToken } from "./token.ts";
import { openUpkeep } from "./upkeep.ts";
import { openWorkspaceRoom, toShelves } from "./workspaces.ts";

/** What {@linkcode openApp} is started with. */
export interface AppOptions {
  readonly configDir: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ask a process that holds the data folder to stop first. @default {false} */
  readonly takeover?: boolean;
  /** Tools beside the built-in ones. */
  readonly tools?: readonly Tool[];
  readonly hooks?: readonly AnyHook[];
  /** Stands between the runtime and its ledger: crash tests end the process at an exact commit with it. */
  wrapLedger?(ledger: Ledger): Ledger;
}

/** A running runtime. Disposing it stops it in order; what is not answered by then is answered after the next start. */
export interface App extends AsyncDisposable {
  readonly addresses: Addresses;
  readonly config: Live<LoadedConfig>;
  readonly log: Log;
  /** Fires when another process takes the data folder over. */
  readonly wanted: AbortSignal;
  /** An address that logs a browser in, once. */
  newLoginLink(): string;
  status(): Status;
}

/**
 * Opens the rooms in order. The order is the architecture, and closing is its reverse.
 *
 * @throws {AppError} `invalid` for a faulty config or a damaged ledger, `conflict` for a held data folder or port.
 */
export async function openApp(options: AppOptions, signal: AbortSignal): Promise<App> {
  const { configDir, dataDir, env } = options;
  const clock = systemClock;
  const bootId = newId(clock.now());
  const holder = { pid: Deno.pid, bootId, startedAt: new Date(clock.now()).toISOString() };
  const agents = newLater<AgentsRoom>("The agents are starting");
  const http = newLater<HttpRoom>("The listeners are starting");
  await using opening = new AsyncDisposableStack();

  // The ground: a log, the config, and a data folder that is ours alone.
  const logs = newRecentLog();
  const log = opening.use(
    openLog({ clock, output: newStderrOutput(), recent: logs }, { level: "info", format: "auto", redact: true }),
  );
  const scraped = newMetrics(log);
  const series = newSeries({ metrics: scraped, clock });
  const metrics = { ...scraped, ...series.metrics };
  const instruments = { log, metrics, clock };
  const openedConfig = opening.use(await openConfig({ dir: configDir, env, plugins, ...instruments }, signal));
  const wholeConfig = mapLive(openedConfig.live, (loaded): Config => loaded.config);
  const { runtime } = wholeConfig.current;
  log.configure(runtime.log);
  const folder = opening.use(await openDataFolder(dataDir, { holder, takeover: options.takeover ?? false, log }));
  const root = await openToken({ dataDir, env, adminAddress: runtime.http.admin });
  const tracer = await newTracer(env.OTEL_DENO === "true");
  opening.use(openProcessMetrics({ metrics, clock, version }));

  // What nothing is lost in: the ledger, and the bus with the gate before it.
  const wrap = options.wrapLedger?.bind(options);
  const ledger = opening.use(await openLedgerRoom({ dataDir, limits: runtime.limits, wrap, ...instruments }));
  const history = newHistory(ledger);
  const intake = newIntakeGate(instruments);
  const pause = await openPause(dataDir, intake);
  const busRoom = opening.use(
    await openBusRoom({ config: wholeConfig, ledger, intake, dataDir, bootId, ...instruments }),
  );
  const { bus, config, elsewhere } = busRoom;
  const maxWaiting = () => config.current.runtime.limits.max_waiting_messages;
  const load = newLoadWatch({ gate: intake, ledger, clock, log, maxWaiting, spillFill: busRoom.fill });
  const doorway = load.withArrivals(bus);

  // What agents work with: models, memory, files, channels, and the tools of others.
  const llm = openLlm(instruments);
  const memoryRoom = opening.use(openMemoryRoom({ config: wholeConfig, dataDir, ...instruments }));
  const { memory } = memoryRoom;
  const shelves = toShelves(configDir, dataDir);
  const workspaces = opening.use(openWorkspaceRoom({ config: wholeConfig, shelves, root, ...instruments }));
  const host = opening.use(await openPluginHost({ bus: doorway, intake, dataDir, plugins, ...instruments }, signal));
  const others = opening.use(
    await openOthers({
      config,
      dataDir,
      env,
      nats: busRoom.wire,
      sample: (question, stop) => agents.get().borrowModel(question, stop),
      redirectUrl: (server) => new URL(`/mcp/login/${server}`, http.get().addresses.admin),
      ...instruments,
    }, signal),
  );
  const { extensions, mcp } = others;
  const dreams = opening.use(openDreamRoom({ config, memory, workspaces, ledger, agents, ...instruments }));

  // What operators and programs see of all that.
  const status = (): readonly SubsystemStatus[] => [
    ...toAgentsStatus(agents.current?.views()),
    toLedgerStatus(ledger),
    ...busRoom.status(),
    toIntakeStatus(intake.pausedBy),
    openedConfig.status(),
    ...host.status(),
    ...llm.status(),
    ...extensions.status(),
    ...mcp.status(),
    ...memory.status(),
  ];
  const rooms = { config, ledger, bus, llm, memory, workspaces, dreams, host, extensions, mcp, agents };
  const desk = newDesk({
    ...options,
    ...holder,
    ...rooms,
    ...instruments,
    version,
    openedConfig,
    logs,
    history,
    series: series.read,
    pause,
    status,
  });
  const front = opening.use(
    await openFront({
      desk,
      config,
      bus: doorway,
      intake,
      ledger,
      agents,
      toolsOfOthers: others.tools,
      http,
      root,
      tracer,
      metricsText: metrics.text,
      ...instruments,
    }, signal),
  );
  http.set(front);

  // Messages come in, and are answered.
  await host.apply(config.current.plugins);
  opening.use(
    await openAgentsRoom({
      config,
      bus,
      ledger,
      elsewhere,
      llm,
      memoryRoom,
      workspaces,
      shelves,
      history,
      dataDir,
      env,
      programTools: options.tools ?? [],
      toolsOfOthers: others.tools,
      hooks: concatLive(newLive(options.hooks ?? []), extensions.hooks),
      tracer,
      bootId,
      ...instruments,
    }, agents),
  );
  opening.use(openFlows({ bus, ledger, ...instruments }));

  opening.use(openUpkeep({ config, load, ledger, host, log, clock }));
  opening.use(await openRunFile(dataDir, holder, front.addresses));
  // Disposed first: no new messages, while everything that sends still works.
  opening.defer(async () => {
    log.info("app.stopping");
    front.stopIntake();
    intake.set("stopping", true);
    await host.stopReceiving();
    await busRoom.stopReceiving();
  });
  log.info("app.ready", { pid: Deno.pid, agents: config.current.agents.length, tookMs: Math.round(performance.now()) });

  const owned = opening.move();
  return {
    addresses: front.addresses,
    config: openedConfig.live,
    log,
    wanted: folder.wanted,
    newLoginLink: front.newLoginLink,
    status: () => toStatus(desk, config.current),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
