import type { Children } from "../child/open.ts";
import type { McpConfig, McpServerConfig } from "../config/mcp.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Tool } from "../core/tool.ts";
import { version } from "../core/version.ts";
import { type Live, newLive } from "../lib/live.ts";
import { newHttpWire } from "./http_wire.ts";
import { openPeer, type Peer, type PeerView } from "./peer.ts";
import { openPins, type Pins } from "./pins.ts";
import { loadSdk, type Sdk } from "./sdk.ts";
import { newStdioWire } from "./stdio_wire.ts";

/** What {@linkcode openMcp} needs. */
export interface McpDeps {
  readonly config: Live<McpConfig>;
  readonly children: Pick<Children, "start">;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The data folder. */
  readonly dataDir: string;
}

/** The MCP servers of the config, and their tools. */
export interface McpRoom extends AsyncDisposable {
  /** Tools of all servers. Changes with the config, and whenever a server says so. */
  readonly tools: Live<readonly Tool[]>;
  view(): readonly PeerView[];
  status(): readonly SubsystemStatus[];
  /**
   * Takes held tools of a server as they are now; absent: all. Gives their names.
   *
   * @throws {AppError} `missing` for an unknown server, or a tool that is not held.
   */
  accept(server: string, tools: readonly string[] | undefined): Promise<readonly string[]>;
}

/** What is needed once there is a server. */
interface Workshop {
  readonly sdk: Sdk;
  readonly pins: Pins;
}

/** Connects the servers of the config and follows its changes: a server whose part does not change is not touched. */
export async function openMcp(deps: McpDeps): Promise<McpRoom> {
  const { config, children, log, metrics, clock, dataDir } = deps;
  const stop = new AbortController();
  const tools = newLive<readonly Tool[]>([]);
  let peers = new Map<string, { readonly config: McpServerConfig; readonly peer: Peer }>();
  let workshop: Promise<Workshop> | undefined;

  const publish = () => tools.set([...peers.values()].flatMap(({ peer }) => peer.tools));
  const openWorkshop = async (): Promise<Workshop> => {
    const [sdk, pins] = await Promise.all([loadSdk(), openPins(`${dataDir}/mcp/tools.json`, log)]);
    return { sdk, pins };
  };

  function open(name: string, server: McpServerConfig, { sdk, pins }: Workshop): Peer {
    const newWire = () =>
      "url" in server
        ? newHttpWire({ name, config: server, sdk, metrics })
        : newStdioWire({ name, config: server, sdk, children, stateDir: `${dataDir}/mcp/${name}`, metrics });
    return openPeer({
      name,
      config: server,
      address: "url" in server ? server.url : [server.command, ...server.args].join(" "),
      sdk,
      pins,
      newWire,
      clientInfo: { name: "nexo", version },
      log,
      metrics,
      clock,
      onTools: () => {
        // While the servers are arranged, all of them are published together at the end.
        if (peers.get(name)?.config === server) publish();
      },
    });
  }

  let arranging: Promise<void> = Promise.resolve();
  /** One after the other: two at once would open a server twice. */
  function arrangeNext(wanted: McpConfig): Promise<void> {
    const mine = arranging.then(() => arrange(wanted));
    arranging = mine.catch((thrown) => log.error("mcp.config_not_applied", { error: toAppError(thrown).message }));
    return mine;
  }

  async function arrange({ servers }: McpConfig): Promise<void> {
    const wanted = Object.entries(servers).filter(([, server]) => server.enabled);
    const next: typeof peers = new Map();
    for (const [name, server] of wanted) {
      const known = peers.get(name);
      if (known?.config === server) next.set(name, known);
      else next.set(name, { config: server, peer: open(name, server, await (workshop ??= openWorkshop())) });
    }
    const left = [...peers.values()].filter(({ peer }) => ![...next.values()].some((one) => one.peer === peer));
    peers = next;
    publish();
    await Promise.all(left.map(({ peer }) => peer[Symbol.asyncDispose]()));
  }

  async function follow(): Promise<void> {
    for await (const changed of config.changes(stop.signal)) {
      arrangeNext(changed).catch(() => {/* logged where they are arranged one after the other */});
    }
  }

  const following = follow();
  await arrangeNext(config.current);
  return {
    tools,
    view: () => [...peers.values()].map(({ peer }) => peer.view()),
    status: () => [...peers.values()].map(({ peer }) => peer.status()),
    async accept(server, names) {
      const found = peers.get(server);
      if (found === undefined) throw new AppError("missing", `There is no MCP server ${server}. See: agent mcp list`);
      return await found.peer.accept(names);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await arranging;
      await Promise.all([...peers.values()].map(({ peer }) => peer[Symbol.asyncDispose]()));
    },
  };
}
