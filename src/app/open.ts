import { z } from "zod";
import { toDay } from "../agent/budget.ts";
import { type Agents, openAgents } from "../agent/open.ts";
import { finishRestore } from "../backup/restore.ts";
import { newPairingDesk } from "../agent/pairing_desk.ts";
import { newSkillHost } from "../agent/skill_file.ts";
import { newChildren } from "../child/open.ts";
import type { Config } from "../config/config.ts";
import { newConfigDesk } from "../config/desk.ts";
import { explain } from "../config/explain.ts";
import { openConfig } from "../config/open.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { ProviderKey } from "../core/bus.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { AnyHook } from "../core/hook.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { type Outbound, toRefusalKey, toReplyKey } from "../core/message.ts";
import type { ChannelTraits } from "../core/plugin.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Tool } from "../core/tool.ts";
import { version } from "../core/version.ts";
import type { AgentView } from "../http/agents_api.ts";
import type { Status } from "../http/status_api.ts";
import { openHttp } from "../http/open.ts";
import { toStatus } from "../http/views.ts";
import type { WebChannel } from "../http/web_channel.ts";
import { openExtensions } from "../extensions/open.ts";
import { readActivity, readUsageRows } from "../ledger/activity.ts";
import { newHistory } from "../ledger/history.ts";
import { readAccepted } from "../ledger/inbox.ts";
import { openLedger } from "../ledger/open.ts";
import { readMessage } from "../ledger/outbox.ts";
import { readQueueDepths } from "../ledger/queues.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/id.ts";
import { concatLive } from "../lib/concat_live.ts";
import { type Live, newLive } from "../lib/live.ts";
import { mapLive } from "../lib/map_live.ts";
import { openLlm } from "../llm/open.ts";
import { openMcp } from "../mcp/open.ts";
import { openPluginHost } from "../plugins/host.ts";
import { newStderrOutput, openLog } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { newRecentLog } from "../telemetry/recent_log.ts";
import { openProcessMetrics } from "../telemetry/process.ts";
import { redact } from "../telemetry/redact.ts";
import { newTracer } from "../telemetry/trace.ts";
import { newAudit } from "./audit.ts";
import { newSessionSearchTool } from "../tools/session_search.ts";
import { newWorkspaceTools } from "../workspace/tools.ts";
import { openDreamRoom, withDreams } from "./dreaming.ts";
import { openFlows } from "./flows.ts";
import { newPeople } from "./forget.ts";
import { newIntakeGate, newLoadWatch } from "./intake.ts";
import { lockDataFolder } from "./lock.ts";
import { findCollector, giveMemoryBack } from "./memory.ts";
import { openMcpDoor } from "./mcp_door.ts";
import { openMemoryRoom } from "./memory_room.ts";
import { openBusRoom } from "./open_bus.ts";
import { newAgentPluginTools } from "./plugin_tools.ts";
import { newBuiltInTools, plugins } from "./registry.ts";
import { sweepLedger } from "./sweep.ts";
import { openToken } from "./token.ts";
import { newTokens } from "./tokens.ts";
import { newToolDesk } from "./tool_desk.ts";
import { newDeadLetters, toAgents, toChannels, toQueues } from "./views.ts";
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
  readonly addresses: { readonly health: URL; readonly metrics: URL; readonly admin: URL };
  readonly config: Live<LoadedConfig>;
  readonly log: Log;
  /** Fires when another process takes the data folder over. */
  readonly wanted: AbortSignal;
  /** An address that logs a browser in, once. */
  newLoginLink(): string;
  status(): Status;
}

const runFileSchema = z.object({
  pid: z.number(),
  bootId: z.string(),
  startedAt: z.string(),
  health: z.string(),
  metrics: z.string(),
  admin: z.string(),
});
/** What `data/run.json` says of a running process; addresses are URLs. */
export type RunFile = z.output<typeof runFileSchema>;

/**
 * Opens the rooms in order. The order is the architecture, and closing is its reverse.
 *
 * @throws {AppError} `invalid` for a faulty config or a damaged ledger, `conflict` for a held data folder or port.
 */
export async function openApp(options: AppOptions, signal: AbortSignal): Promise<App> {
  const { configDir, dataDir, env } = options;
  const clock = systemClock;
  const bootId = newId(clock.now());
  const startedAt = new Date(clock.now()).toISOString();
  await using opening = new AsyncDisposableStack();
  const background = new AbortController();

  const logs = newRecentLog();
  const log = opening.use(
    openLog({ clock, output: newStderrOutput(), recent: logs }, { level: "info", format: "auto", redact: true }),
  );
  const metrics = newMetrics(log);
  const config = opening.use(await openConfig({ dir: configDir, env, plugins, log, metrics, clock }, signal));
  const configured = mapLive(config.live, (loaded): Config => loaded.config);
  const { runtime } = configured.current;
  log.configure(runtime.log);

  await openDataFolder(dataDir, log);
  const holder = { pid: Deno.pid, bootId, startedAt };
  const lock = opening.use(await lockDataFolder(dataDir, { holder, takeover: options.takeover ?? false }));
  await finishRestore(dataDir);
  const root = await openToken({ dataDir, env, adminAddress: runtime.http.admin });
  const tracer = await newTracer(env.OTEL_DENO === "true");
  opening.use(openProcessMetrics({ metrics, clock, version }));

  const opened = await openLedger({
    path: `${dataDir}/ledger.db`,
    maxBytes: runtime.limits.max_ledger_bytes,
    log,
    metrics,
    clock,
  });
  opening.use(opened);
  const ledger = options.wrapLedger?.(opened) ?? opened;
  const gate = newIntakeGate({ log, metrics });
  const busRoom = opening.use(
    await openBusRoom({ config: configured, ledger, intake: gate, dataDir, bootId, log, metrics, clock }),
  );
  const { bus, config: live } = busRoom;
  const maxWaiting = () => live.current.runtime.limits.max_waiting_messages;
  const load = newLoadWatch({ gate, ledger, clock, log, maxWaiting, spillFill: busRoom.fill });
  const doorway = load.withArrivals(bus);
  const llm = openLlm({ log, metrics, clock });
  const memoryRoom = opening.use(openMemoryRoom({ config: configured, dataDir, log, metrics, clock }));
  const shelves = toShelves(configDir, dataDir);
  const workspaces = opening.use(openWorkspaceRoom({ config: configured, shelves, root, log, metrics, clock }));
  const host = opening.use(
    await openPluginHost({ bus: doorway, intake: gate, log, metrics, clock, dataDir, plugins }, signal),
  );
  const children = newChildren({ clock, redact });
  const extensionsConfig = mapLive(live, ({ extensions }) => extensions);
  const extensions = opening.use(
    await openExtensions(
      { config: extensionsConfig, dataDir, env, children, nats: busRoom.wire, log, metrics, clock },
      signal,
    ),
  );
  let agentsRoom: Agents | undefined = undefined;
  let adminUrl: URL | undefined = undefined;
  const toLoginUrl = (server: string): URL => {
    if (adminUrl === undefined) {
      throw new AppError("unavailable", "The console is not open yet", { reason: "starting" });
    }
    return new URL(`/mcp/login/${server}`, adminUrl);
  };
  const borrowModel: Agents["borrowModel"] = (question, stop) => {
    if (agentsRoom === undefined) throw new AppError("unavailable", "The agents are starting", { reason: "starting" });
    return agentsRoom.borrowModel(question, stop);
  };
  const mcp = opening.use(
    await openMcp({
      config: mapLive(live, (config) => config.mcp),
      children,
      log,
      metrics,
      clock,
      dataDir,
      sample: borrowModel,
      redirectUrl: toLoginUrl,
    }),
  );

  const { memory } = memoryRoom;
  const dreams = opening.use(
    openDreamRoom({ config: live, memory, workspaces, ledger, agents: () => agentsRoom, log, metrics, clock }),
  );
  let web: WebChannel | undefined = undefined;
  let agentViews: readonly AgentView[] = [];
  const status = (): readonly SubsystemStatus[] => [
    toAgentsStatus(agentsRoom),
    ...agentViews.flatMap(toTroubleStatus),
    toLedgerStatus(ledger),
    ...busRoom.status(),
    toIntakeStatus(gate.pausedBy),
    config.status(),
    ...host.status(),
    ...llm.status(),
    ...extensions.status(),
    ...mcp.status(),
    ...memoryRoom.memory.status(),
  ];
  const history = newHistory(ledger);
  const views = {
    version,
    bootId,
    startedAt,
    workspaces: withDreams(workspaces, dreams),
    dreams,
    status,
    agents: () => agentViews,
    channels: () => toChannels(host, live.current),
    restartChannel: host.reopen,
    models: () => llm.at(live.current.llm).available,
    queues: () => toQueues(ledger, clock),
    logs,
    history,
    memory: memoryRoom.memory,
    extensions,
    configDesk: newConfigDesk({
      dir: configDir,
      pastDir: `${dataDir}/config-history`,
      env,
      plugins,
      clock,
      reload: config.reload,
    }),
    explain: (path: string) => explain(config.live.current, path),
    activity: (stop: AbortSignal) => readActivity(ledger, clock.now(), stop),
    usage: (days: number, stop: AbortSignal) => readUsageRows(ledger, toDay(clock.now() - (days - 1) * dayMs), stop),
    mcp: { ...mcp, servers: mcp.view },
    tools: newToolDesk({
      config: live,
      ledger,
      clock,
      extensionTools: extensions.tools,
      mcpTools: mcp.tools,
      agents: () => agentsRoom,
    }),
    people: newPeople({
      ledger,
      memory: memoryRoom.memory,
      workspaces,
      plugins,
      dataDir,
      withdraw: async (person, sessions) => await agentsRoom?.withdraw(person, sessions),
    }),
    deadLetters: newDeadLetters({
      ledger,
      bus,
      rescanOutbox: () => agentsRoom?.outbox.rescan(),
      clock,
      maxAgeMs: () => live.current.runtime.outbound.max_age,
    }),
    pairings: newPairingDesk({ ledger, metrics, clock }),
    audit: newAudit({ ledger, log, clock }),
  };
  opening.use(metrics.onScrape(() => scrapeLedger(ledger)));
  const toolsOfOthers = concatLive(extensions.tools, mcp.tools);
  const mcpDoor = opening.use(
    openMcpDoor({ config: live, tools: toolsOfOthers, agents: () => agentsRoom, web: () => web, log, metrics, clock }),
  );
  const http = opening.use(
    await openHttp({
      ...views,
      mcpEndpoint: mcpDoor,
      config: live,
      bus: doorway,
      intake: gate,
      log,
      metrics,
      clock,
      tracer,
      root,
      tokens: newTokens({ ledger, log, clock }),
      metricsText: metrics.text,
      replyTo: (key) => readReply(ledger, key),
    }, signal),
  );
  web = http.web;
  adminUrl = http.addresses.admin;
  // Before the listeners, which wait for every answer that is under way.
  opening.defer(() => mcpDoor[Symbol.asyncDispose]());
  await host.apply(live.current.plugins);
  const searchTool = newSessionSearchTool({
    search: history.search,
    searchesAll: (agent) => live.current.agents.find(({ id }) => id === agent)?.config.session_search === "all",
  });
  agentsRoom = opening.use(openAgents({
    config: live,
    bus,
    ledger,
    elsewhere: busRoom.elsewhere,
    tools: concatLive(
      memoryRoom.withTools([
        ...newBuiltInTools(clock),
        searchTool,
        ...newWorkspaceTools(workspaces),
        ...newAgentPluginTools({ config: live, bus, metrics, clock, dataDir }, () => agentsRoom),
        ...options.tools ?? [],
      ]),
      toolsOfOthers,
    ),
    hooks: concatLive(newLive(options.hooks ?? []), extensions.hooks),
    resolveModel: (llmConfig, choice, fallbacks) => llm.at(llmConfig).resolve(choice, fallbacks),
    traits: toTraits,
    log,
    metrics,
    clock,
    tracer,
    bootId,
    shelves,
    skillHost: newSkillHost(env),
  }));
  const agents = agentsRoom;
  opening.use(openFlows({ bus, ledger, log, metrics, clock }));
  agentViews = await toAgents(agents, live.current, log);

  const collect = findCollector();
  const parts = [
    load.run(background.signal),
    sweepLedger({ ledger, config: live, clock, log }, background.signal),
    followConfig(),
    followTools(),
    ...collect === undefined ? [] : [giveMemoryBack({ clock, heap: Deno.memoryUsage, collect }, background.signal)],
  ];
  opening.defer(async () => {
    background.abort(new AppError("cancelled", "The process is stopping"));
    for (const outcome of await Promise.allSettled(parts)) {
      if (outcome.status === "rejected" && toAppError(outcome.reason).kind !== "cancelled") {
        log.error("app.part_failed", { error: toAppError(outcome.reason).message });
      }
    }
  });
  opening.use(await writeRunFile(dataDir, { pid: Deno.pid, bootId, startedAt, ...http.addresses }));
  // Disposed first: no new messages, while everything that sends still works.
  opening.defer(async () => {
    log.info("app.stopping");
    http.stopIntake();
    gate.set("stopping", true);
    await host.stopReceiving();
    await busRoom.stopReceiving();
  });
  log.info("app.ready", { pid: Deno.pid, agents: live.current.agents.length, tookMs: Math.round(performance.now()) });

  async function followConfig(): Promise<void> {
    for await (const changed of live.changes(background.signal)) {
      log.configure(changed.runtime.log);
      await host.apply(changed.plugins);
      agentViews = await toAgents(agents, changed, log);
    }
  }

  /** How many tools an agent has changes with what others offer. */
  async function followTools(): Promise<void> {
    for await (const _ of toolsOfOthers.changes(background.signal)) {
      agentViews = await toAgents(agents, live.current, log);
    }
  }

  const owned = opening.move();
  return {
    addresses: http.addresses,
    config: config.live,
    log,
    wanted: lock.wanted,
    newLoginLink: http.newLoginLink,
    status: () => toStatus(views, live.current),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  function scrapeLedger(source: Ledger): Promise<void> {
    for (const { queue, depth, oldestAtMs } of readQueueDepths(source.read)) {
      metrics.gauge("nexo_queue_depth", { queue }, depth);
      const ageMs = oldestAtMs === undefined ? 0 : Math.max(0, clock.now() - oldestAtMs);
      metrics.gauge("nexo_queue_oldest_seconds", { queue }, ageMs / 1_000);
    }
    return source.sizeBytes().then((bytes) => metrics.gauge("nexo_ledger_size_bytes", {}, bytes));
  }
}

/** What people write is nobody else's to read. */
async function openDataFolder(dataDir: string, log: Log): Promise<void> {
  try {
    await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    const remedy = "Name a folder that this user may make and write, with --data or AGENT_DATA";
    throw new AppError(kind, `Cannot make the data folder ${dataDir}: ${message}. ${remedy}`);
  }
  try {
    await Deno.chmod(dataDir, 0o700);
  } catch (thrown) {
    // A mounted folder may belong to somebody else; its files are ours alone nevertheless.
    log.warn("app.data_folder_shared", { error: toAppError(thrown).message });
  }
}

const dayMs = 86_400_000;

/** Channels inside the process show one message for one key; what a plugin does, it says itself. */
function toTraits(plugin: string): ChannelTraits | undefined {
  const inner: ChannelTraits = { idempotentSend: true, typing: false };
  return plugin === "api" || plugin === "console" || plugin === "agent"
    ? inner
    : plugins.find(({ id }) => id === plugin)?.traits;
}

/** The reply to an accepted message, where there is one already. */
function readReply(ledger: Ledger, key: ProviderKey): Outbound | undefined {
  const accepted = readAccepted(ledger.read, key);
  if (accepted === undefined) return undefined;
  const { eventId, turnId } = accepted;
  return readMessage(ledger.read, turnId === undefined ? toRefusalKey(eventId) : toReplyKey(turnId));
}

/** An agent that cannot answer is nobody's trouble but its own: the others go on, so readiness stays. */
function toTroubleStatus({ id, trouble }: AgentView): SubsystemStatus[] {
  return trouble === undefined ? [] : [{ name: `agent.${id}`, state: "down", reason: trouble, critical: false }];
}

function toAgentsStatus(agents: Agents | undefined): SubsystemStatus {
  const base = { name: "agents", critical: true };
  return agents === undefined
    ? { ...base, state: "starting", reason: "The agents are starting" }
    : { ...base, state: "ok" };
}

function toLedgerStatus(ledger: Ledger): SubsystemStatus {
  const status = ledger.status();
  return status.state === "ok"
    ? { name: "ledger", state: "ok", critical: true }
    : { name: "ledger", state: "down", critical: true, reason: status.reason };
}

function toIntakeStatus(pausedBy: readonly string[]): SubsystemStatus {
  return pausedBy.length === 0 ? { name: "intake", state: "ok", critical: true } : {
    name: "intake",
    state: "degraded",
    critical: true,
    reason: `New messages wait with their senders: ${pausedBy.join(", ").replaceAll("_", " ")}. Nothing is lost`,
  };
}

async function writeRunFile(
  dataDir: string,
  run: { readonly pid: number; readonly bootId: string; readonly startedAt: string } & App["addresses"],
): Promise<AsyncDisposable> {
  const path = `${dataDir}/run.json`;
  const temporary = `${path}.${run.pid}`;
  const text: RunFile = { ...run, health: run.health.href, metrics: run.metrics.href, admin: run.admin.href };
  await Deno.writeTextFile(temporary, `${JSON.stringify(text, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(temporary, path);
  return { [Symbol.asyncDispose]: () => Deno.remove(path) };
}
