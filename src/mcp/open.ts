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
import { newAsks, type Sample } from "./asks.ts";
import { newHttpWire } from "./http_wire.ts";
import { openPeer, type Peer, type PeerView } from "./peer.ts";
import { openPins, type Pins } from "./pins.ts";
import { type Login, openLogin } from "./oauth.ts";
import { type Answer, newQuestions, type Question } from "./questions.ts";
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
  /** Lends a server an agent's model. */
  readonly sample: Sample;
  /** Where a browser comes back to after a login at a server. */
  redirectUrl(server: string): URL;
}

/** How long a server may take to name its login page. */
const pageMs = 15_000;

/** A server, as lists show it. */
export type ServerView = PeerView & {
  /** `possible`: a person can log in at it. `wanted`: it waits for that. */
  readonly login: "none" | "possible" | "wanted";
};

/** The MCP servers of the config, and their tools. */
export interface McpRoom extends AsyncDisposable {
  /** Tools of all servers. Changes with the config, and whenever a server says so. */
  readonly tools: Live<readonly Tool[]>;
  view(): readonly ServerView[];
  /** What servers ask the operator. */
  questions(): readonly Question[];
  /** Answers a question. @throws {AppError} `missing` where nobody waits for it. */
  answer(id: string, answer: Answer): void;
  status(): readonly SubsystemStatus[];
  /**
   * Takes held tools of a server as they are now; absent: all. Gives their names.
   *
   * @throws {AppError} `missing` for an unknown server, or a tool that is not held.
   */
  accept(server: string, tools: readonly string[] | undefined): Promise<readonly string[]>;
  /**
   * The page with which a person logs in at a server.
   *
   * @throws {AppError} `missing` for an unknown server, `conflict` for one that asks for no login.
   */
  beginLogin(server: string, signal: AbortSignal): Promise<URL>;
  /** Ends a login with what the browser brought back. @throws {AppError} `invalid` where that is of no login. */
  finishLogin(server: string, params: URLSearchParams): Promise<void>;
}

interface Opened {
  readonly config: McpServerConfig;
  readonly peer: Peer;
  readonly login: Login | undefined;
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
  const questions = newQuestions(clock);
  const tools = newLive<readonly Tool[]>([]);
  let peers = new Map<string, Opened>();
  let workshop: Promise<Workshop> | undefined;

  const publish = () => tools.set([...peers.values()].flatMap(({ peer }) => peer.tools));
  const openWorkshop = async (): Promise<Workshop> => {
    const [sdk, pins] = await Promise.all([loadSdk(), openPins(`${dataDir}/mcp/tools.json`, log)]);
    return { sdk, pins };
  };

  async function open(name: string, server: McpServerConfig, { sdk, pins }: Workshop): Promise<Opened> {
    const login = "url" in server && server.oauth !== undefined
      ? await openLogin({
        name,
        config: server.oauth,
        path: `${dataDir}/mcp/${name}.login.json`,
        redirectUrl: () => deps.redirectUrl(name),
        log,
      })
      : undefined;
    const newWire = () =>
      "url" in server
        ? newHttpWire({ name, config: server, sdk, metrics, login })
        : newStdioWire({ name, config: server, sdk, children, stateDir: `${dataDir}/mcp/${name}`, metrics });
    const peer = openPeer({
      name,
      config: server,
      address: "url" in server ? server.url : [server.command, ...server.args].join(" "),
      sdk,
      pins,
      asks: newAsks({ server: name, config: server, sdk, questions, sample: deps.sample, log, metrics, clock }),
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
    return { config: server, peer, login };
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
      else next.set(name, await open(name, server, await (workshop ??= openWorkshop())));
    }
    const left = [...peers.values()].filter(({ peer }) => ![...next.values()].some((one) => one.peer === peer));
    const gone = [...peers.keys()].filter((name) => !next.has(name));
    peers = next;
    publish();
    await Promise.all(left.map(({ peer }) => peer[Symbol.asyncDispose]()));
    for (const server of gone) {
      metrics.gauge("nexo_mcp_server_up", { server }, undefined);
      metrics.gauge("nexo_mcp_tools_held", { server }, undefined);
    }
  }

  async function follow(): Promise<void> {
    for await (const changed of config.changes(stop.signal)) {
      arrangeNext(changed).catch(() => {/* logged where they are arranged one after the other */});
    }
  }

  function find(server: string): Opened {
    const found = peers.get(server);
    if (found === undefined) throw new AppError("missing", `There is no MCP server ${server}. See: agent mcp list`);
    return found;
  }

  const following = follow();
  await arrangeNext(config.current);
  return {
    tools,
    questions: questions.list,
    answer: questions.answer,
    view: () => [...peers.values()].map((one) => ({ ...one.peer.view(), login: toLoginState(one) })),
    status: () =>
      [...peers].map(([name, { peer, login }]) => {
        const asked = questions.list().filter(({ server }) => server === name);
        return toStatus(name, peer.status(), { login, asked });
      }),
    accept: async (server, names) => await find(server).peer.accept(names),
    async beginLogin(server, signal) {
      const { login, peer } = find(server);
      if (login === undefined) {
        throw new AppError("conflict", `The MCP server ${server} needs no login: mcp.yaml gives it no oauth`);
      }
      // A connection that asks for more rights meanwhile waits for the page that it has named.
      const wanted = login.page();
      if (wanted !== undefined && peer.view().state === "up") return wanted;
      // Else the page of an earlier try may be too old.
      const before = login.page();
      peer.wake();
      const until = clock.monotonic() + pageMs;
      while (clock.monotonic() < until) {
        const page = login.page();
        if (page !== undefined && page !== before) return page;
        await clock.wait(50, signal);
      }
      throw new AppError("conflict", `The MCP server ${server} asks for no login now. See: agent mcp list`);
    },
    finishLogin: async (server, params) => await find(server).peer.finishLogin(params),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      await arranging;
      await Promise.all([...peers.values()].map(({ peer }) => peer[Symbol.asyncDispose]()));
    },
  };
}

function toLoginState({ config, login }: Opened): ServerView["login"] {
  const isMachine = "url" in config && config.oauth?.grant === "client_credentials";
  if (login === undefined || isMachine) return "none";
  return login.page() === undefined ? "possible" : "wanted";
}

/** What a server waits for that works otherwise: more rights by another login, or the operator's answer. */
function toStatus(
  name: string,
  status: SubsystemStatus,
  { login, asked }: { readonly login: Login | undefined; readonly asked: readonly Question[] },
): SubsystemStatus {
  if (status.state !== "ok" && status.state !== "degraded") return status;
  if (asked.length > 0) {
    // Their names tell whoever watches that one has gone and another has come.
    const names = asked.map(({ id }) => id).join(", ");
    return { ...status, state: "degraded", reason: `It asks you something: ${names}. See: agent mcp questions` };
  }
  if (status.state !== "ok") return status;
  if (login?.page() === undefined) return status;
  return { ...status, state: "degraded", reason: `It wants a login for more rights. Run: agent mcp login ${name}` };
}
