import { type Context, Hono } from "hono";
import { AppError, toAppError } from "../core/error.ts";
import type { Metrics } from "../core/metrics.ts";
import { newViewerError } from "./guard.ts";
import type { Logins } from "./logins.ts";
import { toRefusal } from "./refusal.ts";
import type { StreamEnds } from "./stream_ends.ts";
import { tooManyGuesses, type WrongGuesses } from "./wrong_guesses.ts";

/** Our own MCP server, as the listener sees it. */
export interface McpEndpoint {
  /** Answers a request of whoever brings `token`; `undefined`: nobody that is known does. */
  handle(request: Request, token: string): Promise<Response> | undefined;
  /** Answers a request of an operator, as `agent`; absent: the first one. */
  handleOperator(request: Request, agent: string | undefined): Promise<Response>;
}

/** What the endpoint uses beside the server itself. */
export interface McpEndpointDeps {
  readonly logins: Logins;
  readonly guesses: WrongGuesses;
  readonly streamEnds: StreamEnds;
  readonly metrics: Metrics;
}

/** `/mcp`. Clients of MCP want 401 and a challenge where others of our routes answer 403 (MCP 2025-11-25, "Authorization"). */
export function newMcpEndpoint(endpoint: McpEndpoint, deps: McpEndpointDeps): Hono {
  const { logins, guesses, streamEnds } = deps;
  const app = new Hono();
  app.all("/mcp", async (context) => {
    const token = /^bearer (.+)$/i.exec(context.req.header("authorization") ?? "")?.[1]?.trim();
    if (token === undefined) return refuse(context, deps.metrics, newNoTokenError());
    const answered = endpoint.handle(context.req.raw, token);
    if (answered !== undefined) return await answered;
    let caller: ReturnType<Logins["identify"]>;
    try {
      caller = logins.identify(token, "header");
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind !== "denied") throw error;
      if (error.reason === tooManyGuesses) await guesses.hold();
      return refuse(context, deps.metrics, error);
    }
    if (caller.role === "viewer") throw newViewerError();
    return streamEnds.bind(caller, await endpoint.handleOperator(context.req.raw, context.req.query("agent")));
  });
  return app;
}

function newNoTokenError(): AppError {
  return new AppError("denied", "Send a token of serve.tokens in mcp.yaml", { reason: "no_token" });
}

function refuse(context: Context, metrics: Metrics, error: AppError): Response {
  const { status, headers, kind, message, reason } = toRefusal(error);
  metrics.count("nexo_refusals_total", { part: "mcp_host", reason });
  return context.body(JSON.stringify({ error: { kind, message, reason } }), {
    status: status === 429 ? 429 : 401,
    headers: { ...headers, "content-type": "application/json" },
  });
}
