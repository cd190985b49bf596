import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Live } from "../lib/live.ts";
import { chatRequestSchema } from "./chat_api.ts";
import { readJson } from "./body.ts";
import { newBusRoutes } from "./bus_routes.ts";
import { newChannelRoutes } from "./channel_routes.ts";
import { chat } from "./chat.ts";
import { newConfigRoutes } from "./config_routes.ts";
import { newConsoleRoutes } from "./console.ts";
import { newDreamRoutes } from "./dream_routes.ts";
import type { EventStreams } from "./event_streams.ts";
import { newGuessGuard, newLoginGuard, newPlaceGuard, newTokenGuard } from "./guard.ts";
import { newLoginRoutes, newLogoutRoutes } from "./login_routes.ts";
import { newFindRoutes } from "./find_routes.ts";
import type { Logins } from "./logins.ts";
import { newLogRoutes } from "./logs.ts";
import { newExtensionRoutes } from "./extension_routes.ts";
import { newMcpLoginRoutes, newMcpRoutes } from "./mcp_routes.ts";
import { newOpenAiRoutes } from "./openai.ts";
import type { StreamEnds } from "./stream_ends.ts";
import { newTokenRoutes } from "./token_routes.ts";
import type { RootToken, Tokens } from "./tokens.ts";
import { newToolRoutes } from "./tool_routes.ts";
import { newPauseRoutes } from "./pause_routes.ts";
import { newPolicyRoutes } from "./policy_routes.ts";
import { type AdminViews, newViewRoutes } from "./views.ts";
import type { WebChannel } from "./web_channel.ts";
import { newTurnRoutes } from "./turn_routes.ts";
import { newWorkspaceRoutes } from "./workspace_routes.ts";
import type { WrongGuesses } from "./wrong_guesses.ts";

/** What the admin listener uses beside its views. */
export interface AdminDeps {
  readonly config: Live<Config>;
  readonly web: WebChannel;
  readonly streams: EventStreams;
  readonly root: RootToken;
  readonly tokens: Tokens;
  readonly logins: Logins;
  readonly guesses: WrongGuesses;
  readonly streamEnds: StreamEnds;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Tells how the process stands whenever that changes. */
  readonly live: Hono;
  /** `/mcp`, with guards of its own. */
  readonly mcpEndpoint: Hono;
  /** Name of the login's cookie. */
  readonly cookie: string;
  /** Host names besides loopback, as configured now. */
  allowedHosts(): readonly string[];
}

/** The admin listener: console, admin API, and the door for OpenAI clients. */
export function newAdminRoutes(views: AdminViews, deps: AdminDeps): Hono {
  const { config, logins } = deps;
  const { note } = views.audit;
  const app = new Hono();
  const maxBytes = () => config.current.runtime.http.max_body_bytes;

  app.use(newPlaceGuard(deps));
  app.use(newGuessGuard(deps));

  app.route("/", newLoginRoutes({ ...deps, note }));
  app.route("/", newConsoleRoutes(deps));

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
  app.route("/api/intake", newPauseRoutes(views.pause, note));
  app.route("/api/tools", newToolRoutes(views.tools, { config, note, logins }));
  app.route("/api/channels", newChannelRoutes(views.channelDesk, note));
  app.route("/api/extensions", newExtensionRoutes(views.extensions, { note, logins }));
  app.route("/api/mcp", newMcpRoutes(views.mcp, { config, note }));
  app.route("/api/config", newConfigRoutes({ ...views, desk: views.configDesk, logins }));
  app.route("/api/agents", newPolicyRoutes(views, config));
  app.route("/api/agents", newWorkspaceRoutes(views, config));
  app.route("/api/agents", newDreamRoutes(views.dreams, { ...deps, note }));
  app.route("/api", newLogRoutes({ logs: views.logs, streams: deps.streams }));
  app.route("/api", newLogoutRoutes({ ...deps, note }));
  app.route("/api", newTokenRoutes({ ...deps, note }));
  return app;
}
