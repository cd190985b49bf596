import { Hono } from "hono";
import type { Metrics } from "../core/metrics.ts";
import type { Logins } from "./logins.ts";

/** Our own MCP server, as the listener sees it. */
export interface McpEndpoint {
  /** Answers a request of whoever brings `token`; `undefined`: nobody that is known does. */
  handle(request: Request, token: string): Promise<Response> | undefined;
  /** Answers a request of the console's own token, as `agent`; absent: the first one. */
  handleOperator(request: Request, agent: string | undefined): Promise<Response>;
}

/** `/mcp`. Clients of MCP want 401 and a challenge where others of our routes answer 403 (MCP 2025-11-25, "Authorization"). */
export function newMcpEndpoint(
  endpoint: McpEndpoint,
  { logins, metrics }: { readonly logins: Logins; readonly metrics: Metrics },
): Hono {
  const app = new Hono();
  app.all("/mcp", (context) => {
    const given = context.req.header("authorization");
    const token = /^bearer (.+)$/i.exec(given ?? "")?.[1]?.trim();
    if (token !== undefined && logins.isToken(token)) {
      return endpoint.handleOperator(context.req.raw, context.req.query("agent"));
    }
    const answered = token === undefined ? undefined : endpoint.handle(context.req.raw, token);
    if (answered !== undefined) return answered;
    const reason = token === undefined ? "no_token" : "wrong_token";
    metrics.count("nexo_refusals_total", { part: "mcp_host", reason });
    return context.json(
      { error: { kind: "denied", message: "Send a token of serve.tokens in mcp.yaml", reason } },
      401,
      {
        "www-authenticate": 'Bearer realm="nexo"',
      },
    );
  });
  return app;
}
