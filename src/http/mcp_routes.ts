import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Live } from "../lib/live.ts";
import { readJson } from "./body.ts";
import { type NoteDown, toDoor } from "./door.ts";
import { mcpAcceptSchema, type McpServerView } from "./mcp_api.ts";

/** What an operator can see and do about MCP servers. */
export interface McpDesk {
  servers(): readonly (Omit<McpServerView, "tools"> & { readonly tools: readonly McpServerView["tools"][number][] })[];
  /**
   * Takes held tools as they are now; absent: all. Gives their names.
   *
   * @throws {AppError} `missing` for an unknown server, or a tool that is not held.
   */
  accept(server: string, tools: readonly string[] | undefined): Promise<readonly string[]>;
}

/** `/api/mcp`. */
export function newMcpRoutes(
  mcp: McpDesk,
  { config, note }: { readonly config: Live<Config>; readonly note: NoteDown },
): Hono {
  const app = new Hono();
  app.get("/servers", (context) => context.json({ servers: mcp.servers() }));
  app.post("/servers/:server/accept", async (context) => {
    const { tools } = await readJson(context.req.raw, config.current.runtime.http.max_body_bytes, mcpAcceptSchema);
    const server = context.req.param("server");
    const accepted = await mcp.accept(server, tools);
    await note({ actor: toDoor(context), action: "mcp.accepted", target: `${server}: ${accepted.join(", ")}` });
    return context.json({ accepted });
  });
  return app;
}
