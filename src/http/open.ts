import type { Env, Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Bus, ProviderKey } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import type { Intake } from "../core/intake.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Tracer } from "../core/trace.ts";
import type { Live } from "../lib/live.ts";
import { newAdminRoutes } from "./admin.ts";
import { catchErrors } from "./errors.ts";
import { openEventStreams } from "./event_streams.ts";
import { withSecurityHeaders } from "./guard.ts";
import { newHealthRoutes, newMetricsRoutes } from "./health.ts";
import { withStop } from "./intake.ts";
import { openListener } from "./listener.ts";
import { openLiveRoutes } from "./live.ts";
import { newLogins } from "./logins.ts";
import { openStreamEnds } from "./stream_ends.ts";
import type { RootToken, Tokens } from "./tokens.ts";
import { newWrongGuesses } from "./wrong_guesses.ts";
import { type McpEndpoint, newMcpEndpoint } from "./mcp_endpoint.ts";
import { type AdminViews, toStatus } from "./views.ts";
import { type AcceptedMessage, openWebChannel, type WebChannel } from "./web_channel.ts";

/** What the HTTP room is given. */
export interface HttpDeps extends AdminViews {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly intake: Intake;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly root: RootToken;
  readonly tokens: Tokens;
  readonly mcpEndpoint: McpEndpoint;
  /** All metrics, in Prometheus' text format. */
  metricsText(): Promise<string>;
  /** What was accepted under a key before, as the ledger has it. */
  findAccepted(key: ProviderKey): AcceptedMessage | undefined;
}

/** The three listeners, and the channel behind them. */
export interface HttpRoom {
  /** Where this machine reaches each listener. */
  readonly addresses: { readonly health: URL; readonly metrics: URL; readonly admin: URL };
  /** What the admin listener answers, such as `GET /api/status`, as it is registered; guards left out. */
  readonly adminRoutes: readonly string[];
  /** The channel of programs and of the console. */
  readonly web: WebChannel;
  /** An address that logs a browser in: once, within 15 minutes. */
  newLoginLink(): string;
  /** From now on new messages are refused as `unavailable`, and `/ready` says no. Reads go on. */
  stopIntake(): void;
}

/**
 * Opens the three listeners. `signal` stops the intake; disposal ends what still waits and closes the listeners.
 *
 * @throws {AppError} `conflict` when a port is in use, naming the settings that choose another.
 */
export async function openHttp(deps: HttpDeps, signal: AbortSignal): Promise<HttpRoom & AsyncDisposable> {
  const { config, clock, log, metrics } = deps;
  const { http } = config.current.runtime;
  const guesses = newWrongGuesses(clock, signal);
  const logins = newLogins({ ...deps, guesses });
  const intake = withStop(deps.intake, signal);
  // Disposal goes the other way round: first every request gets its end, then the listeners can close.
  await using opened = new AsyncDisposableStack();
  const health = opened.use(openListener({ name: "health", address: http.health }, deps));
  const metricsListener = opened.use(openListener({ name: "metrics", address: http.metrics }, deps));
  const admin = opened.use(openListener({ name: "admin", address: http.admin }, deps));
  const streams = opened.use(openEventStreams(clock));
  const streamEnds = opened.use(openStreamEnds({ logins, clock }));
  const web = opened.use(openWebChannel({ ...deps, intake }));

  const status = () => intake.isStopped() ? [...deps.status(), stopping] : deps.status();
  const views = { ...deps, status };
  const live = opened.use(openLiveRoutes({
    status: () => toStatus(views, config.current),
    activity: deps.activity,
    streams,
    clock,
    log,
  }));
  const adminRoutes = newAdminRoutes(views, {
    config,
    live: live.routes,
    mcpEndpoint: newMcpEndpoint(deps.mcpEndpoint, { logins, guesses, streamEnds, metrics }),
    web,
    streams,
    root: deps.root,
    tokens: deps.tokens,
    logins,
    guesses,
    streamEnds,
    clock,
    log,
    metrics,
    // Browsers do not keep cookies apart by port, so that two of us on one machine would log each other out.
    cookie: `nexo_session_${admin.url.port}`,
    allowedHosts: () => [admin.url.hostname, ...config.current.runtime.http.allowed_hosts],
  });
  const caught = <E extends Env>(name: string, app: Hono<E>) =>
    catchErrors(app, { log: log.with({ listener: name }), metrics });
  const healthRoutes = caught("health", newHealthRoutes({ config, bus: deps.bus, intake, status }));
  health.answerWith((request, peer) => healthRoutes.fetch(request, { peer }));
  metricsListener.answerWith(caught("metrics", newMetricsRoutes(deps)).fetch);
  admin.answerWith(withSecurityHeaders(caught("admin", adminRoutes).fetch));

  const owned = opened.move();
  return {
    addresses: { health: health.url, metrics: metricsListener.url, admin: admin.url },
    adminRoutes: [...new Set(adminRoutes.routes.map(({ method, path }) => `${method} ${path}`))]
      .filter((route) => !/^ALL .*\*$/.test(route)),
    web,
    newLoginLink: () => new URL(`/login?code=${logins.newCode(logins.root())}`, admin.url).href,
    stopIntake: intake.stop,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const stopping: SubsystemStatus = {
  name: "http",
  state: "down",
  reason: "The process is stopping and takes no new messages. It answers them after the restart",
  critical: true,
};
