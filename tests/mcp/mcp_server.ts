import { Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import type { CallToolResult, ServerOptions, Tool } from "@modelcontextprotocol/server";

/** What a call does. */
export interface CallContext {
  readonly args: Readonly<Record<string, unknown>>;
  /** Fires when the client cancels. */
  readonly signal: AbortSignal;
  readonly server: Server;
  progress(done: number, total?: number): Promise<void>;
}

/** A tool of the server. */
export interface ServerTool {
  readonly tool: Tool;
  call(context: CallContext): CallToolResult | Promise<CallToolResult>;
}

/** A real MCP server of tests, over Streamable HTTP with sessions. */
export interface McpTestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Tools; may be changed at any time. */
  tools: readonly ServerTool[];
  /** Headers of every request so far. */
  readonly headers: readonly Headers[];
  /** Messages that came in so far, by method. */
  readonly methods: readonly string[];
  /** Sessions that were begun. */
  readonly sessions: number;
  /** Tells every client that the tools have changed. */
  tellChanged(): Promise<void>;
  /** Forgets all sessions: they are answered with 404 from now on. */
  forget(): void;
}

/** How the server differs from the plain one. */
export interface McpServerOptions {
  readonly port?: number;
  readonly options?: ServerOptions;
  /** Answers a request in the place of the server. */
  intercept?(request: Request): Response | Promise<Response> | undefined;
  /** Adds handlers to each session's server. */
  prepare?(server: Server): void;
}

/** A tool that answers with one text. */
export function newServerTool(
  name: string,
  call: ServerTool["call"] = () => ({ content: [{ type: "text", text: `${name} done` }] }),
  change: Partial<Tool> = {},
): ServerTool {
  return { tool: { name, description: `Does ${name}`, inputSchema: { type: "object" }, ...change }, call };
}

/** Opens an {@linkcode McpTestServer}. */
export function openMcpServer(
  tools: readonly ServerTool[],
  { port = 0, options, intercept, prepare }: McpServerOptions = {},
): McpTestServer {
  const live = new Map<string, { transport: WebStandardStreamableHTTPServerTransport; server: Server }>();
  const headers: Headers[] = [];
  const methods: string[] = [];
  let sessions = 0;

  async function openSession() {
    const server = new Server({ name: "fixture", version: "1.0.0" }, {
      capabilities: { tools: { listChanged: true }, ...options?.capabilities },
    });
    server.setRequestHandler("tools/list", () => ({ tools: fixture.tools.map(({ tool }) => tool) }));
    server.setRequestHandler("tools/call", async ({ params }, context) => {
      const found = fixture.tools.find(({ tool }) => tool.name === params.name);
      if (found === undefined) return { content: [{ type: "text", text: "no such tool" }], isError: true };
      const token = params._meta?.progressToken;
      return await found.call({
        args: params.arguments ?? {},
        signal: context.mcpReq.signal,
        server,
        progress: async (progress, total) => {
          if (token === undefined) return;
          await context.mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken: token, progress, ...(total === undefined ? {} : { total }) },
          });
        },
      });
    });
    prepare?.(server);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      keepAliveMs: 0,
      onsessioninitialized: (id) => {
        sessions++;
        live.set(id, { transport, server });
      },
      onsessionclosed: (id) => void live.delete(id),
    });
    await server.connect(transport);
    return transport;
  }

  async function handle(request: Request): Promise<Response> {
    headers.push(request.headers);
    const other = await intercept?.(request);
    if (other !== undefined) return other;
    const id = request.headers.get("mcp-session-id");
    if (request.method === "POST") {
      const body: unknown = await request.clone().json();
      if (typeof body === "object" && body !== null && "method" in body) methods.push(String(body.method));
    }
    const known = id === null ? await openSession() : live.get(id)?.transport;
    return known === undefined ? new Response("no such session", { status: 404 }) : await known.handleRequest(request);
  }

  const http = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handle);
  const fixture: McpTestServer = {
    url: `http://127.0.0.1:${http.addr.port}/mcp`,
    port: http.addr.port,
    tools,
    headers,
    methods,
    get sessions() {
      return sessions;
    },
    async tellChanged() {
      await Promise.all([...live.values()].map(({ server }) => server.sendToolListChanged()));
    },
    forget() {
      for (const { transport } of live.values()) transport.close();
      live.clear();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...live.values()].map(({ server }) => server.close()));
      await http.shutdown();
    },
  };
  return fixture;
}
