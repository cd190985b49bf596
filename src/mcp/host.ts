import type { CallToolResult, ServerContext, Tool as WireTool } from "@modelcontextprotocol/server";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Tool, ToolContent, ToolProgress } from "../core/tool.ts";
import type { Live } from "../lib/live.ts";
import { type HostChat, newChatTools, pickAgentTools, type Principal } from "./host_tools.ts";

type ServerSdk = typeof import("@modelcontextprotocol/server");
type Transport = InstanceType<ServerSdk["WebStandardStreamableHTTPServerTransport"]>;
type Server = InstanceType<ServerSdk["Server"]>;

/** The one way of all tools, for somebody outside of any turn. */
export interface HostCalls {
  tools(agent: string): Promise<readonly Tool[]>;
  call(call: {
    readonly agent: string;
    readonly tool: string;
    readonly input: unknown;
    readonly caller: string;
    readonly beside: readonly Tool[];
    readonly signal: AbortSignal;
    progress(report: ToolProgress): void;
  }): Promise<{ readonly content: readonly ToolContent[]; readonly isError: boolean }>;
}

/** What {@linkcode openMcpHost} needs. */
export interface McpHostDeps {
  readonly version: string;
  readonly chat: HostChat;
  /** Absent until the agents are open. */
  calls(): HostCalls | undefined;
  /** Each changes what is served. */
  readonly changes: readonly Live<unknown>[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Our own MCP server, over Streamable HTTP with sessions (MCP 2025-11-25, "Transports"). */
export interface McpHost extends AsyncDisposable {
  /** Answers a request of `principal`. */
  handle(request: Request, principal: Principal): Promise<Response>;
}

interface Session {
  readonly principal: Principal;
  readonly transport: Transport;
  readonly server: Server;
  usedAtMs: number;
}

const sessionBound = 200;
/** A session of which nothing was heard for so long has ended. */
const idleMs = 3_600_000;
const sweepEveryMs = 60_000;

/** Opens the {@linkcode McpHost}. The library is loaded with the first request. */
export function openMcpHost(deps: McpHostDeps): McpHost {
  const { chat, log, metrics, clock } = deps;
  const stop = new AbortController();
  const sessions = new Map<string, Session>();
  let loading: Promise<ServerSdk> | undefined;
  const loadSdk = () => loading ??= import("@modelcontextprotocol/server");

  const requireCalls = (): HostCalls => {
    const calls = deps.calls();
    if (calls === undefined) throw new AppError("unavailable", "The agents are starting", { reason: "starting" });
    return calls;
  };

  async function toolsOf(principal: Principal): Promise<readonly Tool[]> {
    const tools = await requireCalls().tools(principal.agent);
    return [...newChatTools(chat, principal), ...pickAgentTools(tools, principal)];
  }

  async function callTool(
    principal: Principal,
    { name, input }: { readonly name: string; readonly input: unknown },
    { mcpReq }: ServerContext,
    sdk: ServerSdk,
  ): Promise<CallToolResult> {
    const allowed = await toolsOf(principal);
    if (!allowed.some((tool) => tool.name === name)) {
      metrics.count("nexo_refusals_total", { part: "mcp_host", reason: "unknown_tool" });
      throw new sdk.ProtocolError(
        sdk.ProtocolErrorCode.InvalidParams,
        `There is no tool ${name}, or you may not use it`,
      );
    }
    const token = mcpReq._meta?.progressToken;
    try {
      const { content, isError } = await requireCalls().call({
        agent: principal.agent,
        tool: name,
        input,
        caller: principal.name,
        beside: newChatTools(chat, principal),
        signal: mcpReq.signal,
        progress({ done, total, message }) {
          if (token === undefined) return;
          mcpReq.notify({
            method: "notifications/progress",
            params: {
              progressToken: token,
              progress: done,
              ...(total === undefined ? {} : { total }),
              ...(message === undefined ? {} : { message }),
            },
          }).catch(() => {/* whoever asked has gone: the call's own signal says so */});
        },
      });
      return toWireResult(content, isError);
    } catch (thrown) {
      mcpReq.signal.throwIfAborted();
      const error = toAppError(thrown);
      if (error.reason !== undefined) metrics.count("nexo_refusals_total", { part: "mcp_host", reason: error.reason });
      return { content: [{ type: "text", text: error.message }], isError: true };
    }
  }

  async function openSession(principal: Principal): Promise<Transport> {
    const sdk = await loadSdk();
    const info = { name: "nexo", title: "nexo", version: deps.version };
    const server = new sdk.Server(info, { capabilities: { tools: { listChanged: true } } });
    server.setRequestHandler("tools/list", async () => ({ tools: (await toolsOf(principal)).map(toWireTool) }));
    server.setRequestHandler(
      "tools/call",
      ({ params }, context) => callTool(principal, { name: params.name, input: params.arguments ?? {} }, context, sdk),
    );
    const transport = new sdk.WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized(id) {
        sessions.set(id, { principal, transport, server, usedAtMs: clock.monotonic() });
        metrics.gauge("nexo_mcp_sessions", {}, sessions.size);
        log.info("mcp_host.session_opened", { caller: principal.name, agent: principal.agent });
      },
      onsessionclosed: (id) => forget(id),
    });
    await server.connect(transport);
    return transport;
  }

  function forget(id: string): void {
    const session = sessions.get(id);
    if (session === undefined) return;
    sessions.delete(id);
    metrics.gauge("nexo_mcp_sessions", {}, sessions.size);
    log.info("mcp_host.session_closed", { caller: session.principal.name });
  }

  async function close(id: string, { server }: Session): Promise<void> {
    forget(id);
    await server.close();
  }

  async function sweep(): Promise<void> {
    while (!stop.signal.aborted) {
      await clock.wait(sweepEveryMs, stop.signal).catch(() => {/* stopping: the loop ends */});
      const old = [...sessions].filter(([, { usedAtMs }]) => clock.monotonic() - usedAtMs > idleMs);
      await Promise.all(old.map(([id, session]) => close(id, session)));
    }
  }

  async function tellChanges(source: Live<unknown>): Promise<void> {
    for await (const _ of source.changes(stop.signal)) {
      const told = [...sessions.values()].map(({ server }) => server.sendToolListChanged());
      // Whoever does not listen asks anew when it comes back.
      await Promise.allSettled(told);
    }
  }

  const background = [sweep(), ...deps.changes.map(tellChanges)];
  return {
    async handle(request, principal) {
      const id = request.headers.get("mcp-session-id");
      if (id === null) {
        if (sessions.size >= sessionBound) {
          throw new AppError("unavailable", `${sessionBound} MCP sessions are open already. End one, or wait`, {
            reason: "too_many_sessions",
            retryAfterMs: sweepEveryMs,
          });
        }
        const transport = await openSession(principal);
        const response = await transport.handleRequest(request);
        // A request that began no session leaves nothing behind.
        if (transport.sessionId === undefined) await transport.close();
        return response;
      }
      const session = sessions.get(id);
      // Somebody else's session is none; nor is one whose rights have changed since.
      if (session === undefined || !isSame(session.principal, principal)) {
        throw new AppError("missing", "There is no such MCP session. Begin a new one", { reason: "unknown_session" });
      }
      session.usedAtMs = clock.monotonic();
      return await session.transport.handleRequest(request);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([...sessions].map(([id, session]) => close(id, session)));
      await Promise.all(background);
    },
  };
}

function isSame(one: Principal, other: Principal): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function toWireTool({ name, description, inputSchema, effect }: Tool): WireTool {
  return {
    name,
    description,
    inputSchema: { ...inputSchema, type: "object" },
    annotations: {
      readOnlyHint: effect === "none",
      destructiveHint: effect === "once",
      idempotentHint: effect !== "once",
    },
  };
}

function toWireResult(content: readonly ToolContent[], isError: boolean): CallToolResult {
  const data = content.flatMap((part) => part.type === "json" && isMapping(part.value) ? [part.value] : []);
  return {
    content: content.map((part) => {
      switch (part.type) {
        case "text":
          return { type: "text", text: part.text };
        case "image":
          return { type: "image", mimeType: part.mimeType, data: part.base64 };
        case "json":
          return { type: "text", text: JSON.stringify(part.value) };
      }
    }),
    ...(data.length === 1 && data[0] !== undefined ? { structuredContent: data[0] } : {}),
    ...(isError ? { isError } : {}),
  };
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
