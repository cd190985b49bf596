import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Live } from "../lib/live.ts";
import { readJson } from "./body.ts";
import { type NoteDown, toActor } from "./door.ts";
import { mcpAcceptSchema, type McpAnswer, mcpAnswerSchema, type McpQuestion, type McpServerView } from "./mcp_api.ts";

/** What an operator can see and do about MCP servers. */
export interface McpDesk {
  servers(): readonly (Omit<McpServerView, "tools"> & { readonly tools: readonly McpServerView["tools"][number][] })[];
  /**
   * Takes held tools as they are now; absent: all. Gives their names.
   *
   * @throws {AppError} `missing` for an unknown server, or a tool that is not held.
   */
  accept(server: string, tools: readonly string[] | undefined): Promise<readonly string[]>;
  questions(): readonly McpQuestion[];
  /** Answers a question. @throws {AppError} `missing` where nobody waits for it. */
  answer(id: string, answer: McpAnswer): void;
  /** The page with which a person logs in at a server. @throws {AppError} `missing`, `conflict` */
  beginLogin(server: string, signal: AbortSignal): Promise<URL>;
  /** Ends a login with what the browser brought back. @throws {AppError} `invalid` where that is of no login. */
  finishLogin(server: string, params: URLSearchParams): Promise<void>;
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
    await note({ actor: toActor(context), action: "mcp.accepted", target: `${server}: ${accepted.join(", ")}` });
    return context.json({ accepted });
  });
  app.get("/questions", (context) => context.json({ questions: mcp.questions() }));
  app.post("/questions/:id", async (context) => {
    const answer = await readJson(context.req.raw, config.current.runtime.http.max_body_bytes, mcpAnswerSchema);
    const id = context.req.param("id");
    const server = mcp.questions().find((question) => question.id === id)?.server ?? "";
    mcp.answer(id, answer);
    await note({ actor: toActor(context), action: "mcp.answered", target: `${server}: ${answer.action}` });
    return context.json({ ok: true });
  });
  app.post("/servers/:server/login", async (context) => {
    const server = context.req.param("server");
    const page = await mcp.beginLogin(server, context.req.raw.signal);
    await note({ actor: toActor(context), action: "mcp.login_begun", target: server });
    return context.json({ url: page.href });
  });
  return app;
}

/** Where browsers come back to after a login at a server. They bring no token: the login's own `state` must fit. */
export function newMcpLoginRoutes(desk: Pick<McpDesk, "finishLogin">): Hono {
  const app = new Hono();
  app.get("/mcp/login/:server", async (context) => {
    await desk.finishLogin(context.req.param("server"), new URL(context.req.url).searchParams);
    return context.text("You are logged in. This page can be closed.");
  });
  return app;
}
