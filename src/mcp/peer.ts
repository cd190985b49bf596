import type { Client, Tool as ListedTool } from "@modelcontextprotocol/client";
import type { Confinement } from "../child/spec.ts";
import type { McpServerConfig } from "../config/mcp.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Asks } from "./asks.ts";
import { type Catalogue, newCatalogue, type ToolStanding } from "./catalogue.ts";
import { type Link, type LinkDeps, type LinkState, openLink } from "./link.ts";
import type { Pins, ToolFace } from "./pins.ts";
import type { Sdk } from "./sdk.ts";
import { toShownText } from "../core/shown_text.ts";

/** A server, as lists show it. */
export type PeerView = LinkState & {
  readonly server: string;
  /** What the server says it is. */
  readonly title: string;
  /** How often the connection was lost. */
  readonly reconnects: number;
  /** `none`: a server that is not a program of ours to run. `unconfined`: nothing holds it back. */
  readonly confinement: Confinement["kind"] | "none";
  readonly tools: readonly ToolStanding[];
};

/** One server of the config. Disposing it ends its connection. */
export interface Peer extends AsyncDisposable, Pick<Catalogue, "tools" | "accept">, Pick<Link, "finishLogin" | "wake"> {
  view(): PeerView;
  status(): SubsystemStatus;
}

/** What a {@linkcode Peer} is made of. */
export interface PeerDeps {
  readonly name: string;
  readonly config: McpServerConfig;
  /** Where the server is: an address, or a command. */
  readonly address: string;
  readonly sdk: Sdk;
  readonly pins: Pins;
  readonly asks: Asks;
  readonly newWire: LinkDeps["newWire"];
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Called when `tools` has changed. */
  onTools(): void;
}

const pageBound = 100;
/** Tools that are read of a server, whatever it has. */
const listBound = 5_000;
/** A server whose lists change all the time is asked for them this often. */
const refreshEveryMs = 1_000;

/** Opens a {@linkcode Peer}. */
export function openPeer(deps: PeerDeps): Peer {
  const { name, config, sdk, log, metrics, clock } = deps;
  const gone = new AbortController();
  let title = "";

  const link = openLink({
    name,
    sdk,
    clock,
    log,
    connectMs: config.connect_timeout,
    newClient() {
      const client = new sdk.Client(deps.clientInfo, { capabilities: deps.asks.capabilities });
      deps.asks.serve(client);
      client.setNotificationHandler("notifications/tools/list_changed", () => {
        metrics.count("nexo_mcp_list_changes_total", { server: name });
        refresh();
      });
      return client;
    },
    newWire: deps.newWire,
    onUp: learn,
    onChange: (state) => metrics.gauge("nexo_mcp_server_up", { server: name }, state === "up" ? 1 : 0),
  });
  const catalogue = newCatalogue({ ...deps, server: name, link });

  async function learn(client: Client, signal: AbortSignal): Promise<void> {
    const capabilities = client.getServerCapabilities() ?? {};
    const version = client.getServerVersion();
    title = toShownText(version === undefined ? "" : `${version.title ?? version.name} ${version.version}`, 200);
    await catalogue.take({
      tools: capabilities.tools === undefined ? [] : await listTools(client, config.connect_timeout, signal),
      resources: capabilities.resources !== undefined,
      prompts: capabilities.prompts !== undefined,
    });
  }

  let refreshing: Promise<void> | undefined;
  let isStale = false;
  /** However many notifications come while the list is read, it is read once more afterwards. */
  function refresh(): void {
    isStale = true;
    refreshing ??= refreshAll().finally(() => refreshing = undefined);
  }

  async function refreshAll(): Promise<void> {
    while (isStale && !gone.signal.aborted) {
      isStale = false;
      try {
        await link.use((client) => learn(client, gone.signal), gone.signal);
      } catch (thrown) {
        // The list of before stays; the next connection reads it anew.
        if (!gone.signal.aborted) log.warn("mcp.list_unread", { server: name, error: toAppError(thrown).message });
      }
      await clock.wait(refreshEveryMs, gone.signal).catch(() => {/* the server is not used any more */});
    }
  }

  return {
    get tools() {
      return catalogue.tools;
    },
    accept: catalogue.accept,
    finishLogin: link.finishLogin,
    wake: link.wake,
    view: () => ({
      server: name,
      ...link.current,
      title,
      reconnects: link.reconnects,
      confinement: link.confinement()?.kind ?? "none",
      tools: catalogue.standings,
    }),
    status() {
      const base = { name: `mcp.${name}`, critical: false };
      switch (link.current.state) {
        case "down":
          return { ...base, state: "down", reason: link.current.reason };
        case "connecting":
          return { ...base, state: "starting", reason: "It is being connected" };
        case "up": {
          const trouble = sayTrouble(name, catalogue.standings);
          return trouble === undefined ? { ...base, state: "ok" } : { ...base, state: "degraded", reason: trouble };
        }
      }
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await link[Symbol.asyncDispose]();
      await refreshing;
    },
  };
}

async function listTools(client: Client, timeout: number, signal: AbortSignal): Promise<ToolFace[]> {
  const found: ToolFace[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pageBound && found.length < listBound; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const { tools, nextCursor } = await client.request({ method: "tools/list", params }, { signal, timeout });
    found.push(...tools.map(toFace));
    if (nextCursor === undefined || nextCursor === cursor) break;
    cursor = nextCursor;
  }
  return found;
}

/** What counts of a tool, in the form in which it is remembered. */
function toFace({ name, title, description, inputSchema, annotations }: ListedTool): ToolFace {
  const { readOnlyHint, idempotentHint } = annotations ?? {};
  return {
    name,
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    inputSchema,
    annotations: {
      ...(readOnlyHint === undefined ? {} : { readOnlyHint }),
      ...(idempotentHint === undefined ? {} : { idempotentHint }),
    },
  };
}

function sayTrouble(server: string, standings: readonly ToolStanding[]): string | undefined {
  const held = standings.filter(({ state }) => state === "held").length;
  const refused = standings.filter(({ state }) => state === "refused").length;
  const sentences = [
    ...held === 0
      ? []
      : [`${held} ${held === 1 ? "tool waits" : "tools wait"} for your word. See: agent mcp tools ${server}`],
    ...refused === 0 ? [] : [`${refused} tools cannot be used. See: agent mcp tools ${server}`],
  ];
  return sentences.length === 0 ? undefined : sentences.join(". ");
}
