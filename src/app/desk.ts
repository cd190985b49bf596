import { toDay } from "../agent/budget.ts";
import { newPairingDesk } from "../agent/pairing_desk.ts";
import type { LocalBus } from "../broker/local.ts";
import type { NatsBus } from "../broker/nats.ts";
import type { Config } from "../config/config.ts";
import { newConfigDesk } from "../config/desk.ts";
import { explain } from "../config/explain.ts";
import type { OpenConfig } from "../config/open.ts";
import type { Clock } from "../core/clock.ts";
import type { Dreams } from "../core/dream.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Memory } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Workspaces } from "../core/workspace.ts";
import type { Extensions } from "../extensions/open.ts";
import type { AdminViews } from "../http/views.ts";
import { readActivity, readUsageRows } from "../ledger/activity.ts";
import { findMessage } from "../ledger/find.ts";
import type { Live } from "../lib/live.ts";
import type { Llm } from "../llm/open.ts";
import type { McpRoom } from "../mcp/open.ts";
import type { PluginHostRoom } from "../plugins/host.ts";
import type { AgentsRoom } from "./agents_room.ts";
import { newAudit } from "./audit.ts";
import { newBusDesk } from "./bus_desk.ts";
import { consumers } from "./bus_room.ts";
import { newChannelDesk } from "./channel_desk.ts";
import { withDreams } from "./dreaming.ts";
import { newPeople } from "./forget.ts";
import type { Later } from "./later.ts";
import { plugins } from "./registry.ts";
import { newToolDesk } from "./tool_desk.ts";
import { newDeadLetters, toChannels, toQueues } from "./views.ts";

/** The rooms that operators look into. */
export interface DeskDeps
  extends Pick<AdminViews, "version" | "bootId" | "startedAt" | "status" | "logs" | "history" | "series" | "pause"> {
  readonly configDir: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly openedConfig: OpenConfig;
  /** What this process runs of the config. */
  readonly config: Live<Config>;
  readonly ledger: Ledger;
  readonly bus: LocalBus | NatsBus;
  readonly llm: Llm;
  readonly memory: Memory;
  readonly workspaces: Workspaces;
  readonly dreams: Dreams;
  readonly host: PluginHostRoom;
  readonly extensions: Extensions;
  readonly mcp: McpRoom;
  readonly agents: Later<AgentsRoom>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** What operators see and do, whether through the console, the command line or the admin API. */
export function newDesk(deps: DeskDeps): AdminViews {
  const { config, dataDir, env, openedConfig, ledger, bus, llm, host, extensions, mcp, agents, clock } = deps;
  const { version, bootId, startedAt, status, logs, history, series, pause, memory, dreams } = deps;
  return {
    version,
    bootId,
    startedAt,
    status,
    logs,
    history,
    series,
    pause,
    memory,
    dreams,
    extensions,
    agents: () => agents.current?.views() ?? [],
    stopTurn: (id) => agents.current?.stopTurn(id) ?? false,
    channels: () => toChannels(host, config.current),
    restartChannel: host.reopen,
    models: () => llm.at(config.current.llm).available,
    queues: () => toQueues(ledger, clock),
    activity: (signal) => readActivity(ledger, clock.now(), signal),
    usage: ({ days, step }, signal) => readUsageRows(ledger, toDay(clock.now() - (days - 1) * dayMs), step, signal),
    workspaces: withDreams(deps.workspaces, dreams),
    mcp: { ...mcp, servers: mcp.view },
    tools: newToolDesk(deps),
    configDesk: newConfigDesk({
      dir: deps.configDir,
      pastDir: `${dataDir}/config-history`,
      env,
      plugins,
      clock,
      reload: openedConfig.reload,
    }),
    explain: (path) => explain(openedConfig.live.current, path),
    people: newPeople({
      ...deps,
      plugins,
      withdraw: async (person, sessions) => await agents.current?.withdraw(person, sessions),
    }),
    busDesk: newBusDesk(deps),
    find: (text, signal) => findMessage(ledger, { text, consumers: consumers.map(({ name }) => name) }, signal),
    channelDesk: newChannelDesk({ ...deps, outbox: () => agents.current?.outbox }),
    deadLetters: newDeadLetters({
      ledger,
      bus,
      rescanOutbox: () => agents.current?.outbox.rescan(),
      clock,
      maxAgeMs: () => config.current.runtime.outbound.max_age,
    }),
    pairings: newPairingDesk(deps),
    audit: newAudit(deps),
  };
}

const dayMs = 86_400_000;
