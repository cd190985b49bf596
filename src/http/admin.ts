import { type Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Live } from "../lib/live.ts";
import { chatRequestSchema } from "./chat_api.ts";
import { loginRequestSchema } from "./login_api.ts";
import { readJson } from "./body.ts";
import { newBusRoutes } from "./bus_routes.ts";
import { newChannelRoutes } from "./channel_routes.ts";
import { chat } from "./chat.ts";
import { newConfigRoutes } from "./config_routes.ts";
import { newConsoleRoutes } from "./console.ts";
import { newDreamRoutes } from "./dream_routes.ts";
import type { EventStreams } from "./event_streams.ts";
import { newFindRoutes } from "./find_routes.ts";
import { newLoginGuard, newPlaceGuard, newTokenGuard } from "./guard.ts";
import type { Logins } from "./logins.ts";
import { newLogRoutes } from "./logs.ts";
import { newExtensionRoutes } from "./extension_routes.ts";
import { newMcpLoginRoutes, newMcpRoutes } from "./mcp_routes.ts";
import { newOpenAiRoutes } from "./openai.ts";
import { newToolRoutes } from "./tool_routes.ts";
import { type AdminViews, newViewRoutes } from "./views.ts";
import type { WebChannel } from "./web_channel.ts";
import { newTurnRoutes } from "./turn_routes.ts";
import { newWorkspaceRoutes } from "./workspace_routes.ts";

/** What the admin listener uses beside its views. */
export interface AdminDeps {
  readonly config: Live<Config>;
  readonly web: WebChannel;
  readonly streams: EventStreams;
  readonly logins: Logins;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells how the process stands whenever that changes. */
  readonly live: Hono;
  /** `/mcp`, with guards of its own. */
  readonly mcpEndpoint: Hono;
  /** Name of the session's cookie. */
  readonly cookie: string;
  /** Host names besides loopback, as configured now. */
  allowedHosts(): readonly string[];
}

/** Whoever logs in is nobody yet: a token fits into this many times over. */
const maxLoginBytes = 10_000;

/** The admin listener: console, admin API, and the door for OpenAI clients. */
export function newAdminRoutes(views: AdminViews, deps: AdminDeps): Hono {
  const { config, logins, cookie, log } = deps;
  const app = new Hono();
  const maxBytes = () => config.current.runtime.http.max_body_bytes;
  const startSession = (context: Context, session: string) =>
    setCookie(context, cookie, session, { httpOnly: true, sameSite: "Strict", path: "/", maxAge: 12 * 3_600 });

  app.use(newPlaceGuard(deps));

  app.post("/api/login", async (context) => {
    const { token } = await readJson(context.req.raw, maxLoginBytes, loginRequestSchema);
    startSession(context, logins.logIn(token));
    log.info("http.logged_in", { by: "token" });
    await views.audit.note({ actor: "console", action: "console.logged_in", target: "by token" });
    return context.json({ ok: true });
  });
  app.get("/login", async (context, next) => {
    const code = context.req.query("code");
    if (code === undefined || context.req.method === "HEAD") return await next();
    const session = logins.redeem(code);
    if (session === undefined) return context.redirect("/login#used", 303);
    startSession(context, session);
    log.info("http.logged_in", { by: "link" });
    await views.audit.note({ actor: "console", action: "console.logged_in", target: "by link" });
    return context.redirect("/", 303);
  });
  app.route("/", newConsoleRoutes({ logins, cookie }));

  app.route("/", deps.mcpEndpoint);
  app.route("/", newMcpLoginRoutes(views.mcp));

  app.use("/v1/*", newTokenGuard(deps));
  app.route("/v1", newOpenAiRoutes({ ...deps, startedAt: views.startedAt }));

  app.use("/api/*", newLoginGuard(deps));
  app.post("/api/chat", async (context) => {
    return await chat(await readJson(context.req.raw, maxBytes(), chatRequestSchema), deps);
  });
  app.route("/api", newViewRoutes(views, config));
  app.route("/api/turns", newTurnRoutes(views));
  app.route("/api", deps.live);
  app.route("/api/bus", newBusRoutes(views.busDesk, deps));
  app.route("/api/find", newFindRoutes(views.find));
  app.route("/api/tools", newToolRoutes(views.tools, { config, note: views.audit.note, logins }));
  app.route("/api/channels", newChannelRoutes(views.channelDesk, views.audit.note));
  app.route("/api/extensions", newExtensionRoutes(views.extensions, { note: views.audit.note, logins }));
  app.route("/api/mcp", newMcpRoutes(views.mcp, { config, note: views.audit.note }));
  app.route("/api/config", newConfigRoutes({ ...views, desk: views.configDesk, logins }));
  app.route("/api/agents", newWorkspaceRoutes(views, config));
  app.route("/api/agents", newDreamRoutes(views.dreams, deps.streams, config));
  app.route("/api", newLogRoutes({ logs: views.logs, streams: deps.streams }));
  app.post("/api/logout", (context) => {
    const session = deleteCookie(context, cookie);
    if (session !== undefined) logins.logOut(session);
    return context.json({ ok: true });
  });
  return app;
}
