import type { Client } from "@modelcontextprotocol/client";
import type { Confinement } from "../child/spec.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { orAborted } from "../resilience/abort.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { sayDetail, toMcpError } from "./errors.ts";
import type { Sdk } from "./sdk.ts";
import type { Wire } from "./wire.ts";

/** How a link stands. */
export type LinkState =
  | { readonly state: "connecting" }
  | { readonly state: "up" }
  | { readonly state: "down"; readonly reason: string };

/** A connection to a server that comes back for ever. Disposing it ends it. */
export interface Link extends AsyncDisposable {
  /** Ends a login with what the browser brought back, and connects. */
  finishLogin(params: URLSearchParams): Promise<void>;
  /** Tries at once, where it waits before the next try. */
  wake(): void;
  readonly current: LinkState;
  /** What holds the server back, where it is a program that we run. */
  confinement(): Confinement | undefined;
  /** How often the connection was lost. */
  readonly reconnects: number;
  /**
   * Runs `work` on the connection; waits for one that is being made, and does it once more where the server had forgotten
   * the session, since then it has not seen the first try.
   *
   * @throws {AppError} `unavailable` while there is no connection; what {@linkcode toMcpError} makes of the rest.
   */
  use<T>(work: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** What a {@linkcode Link} is made of. */
export interface LinkDeps {
  readonly name: string;
  readonly sdk: Sdk;
  readonly clock: Clock;
  readonly log: Log;
  readonly connectMs: number;
  /** A client that is not connected yet, with all its handlers. */
  newClient(): Client;
  newWire(): Wire;
  /** Called with each new connection, before anybody uses it. What it throws ends the connection. */
  onUp(client: Client, signal: AbortSignal): Promise<void>;
  /** Told about each change. */
  onChange(state: LinkState["state"]): void;
}

const firstWaitMs = 500;
const longestWaitMs = 60_000;
/** A connection that held this long was a good one: the next try comes soon. */
const steadyMs = 60_000;
const pingEveryMs = 30_000;
const pingMs = 10_000;
/** Pings without an answer, one after the other, after which the connection is given up. */
const missedBound = 3;
/** How long a call waits for a connection that is being made. */
const patienceMs = 10_000;
/** How long a server may take to say goodbye. */
const goodbyeMs = 1_000;
/** How long a person may take to log in. */
const loginMs = 600_000;

/** Opens a {@linkcode Link}; the first connection is made in the background. */
export function openLink(deps: LinkDeps): Link {
  const { name, clock, log } = deps;
  const stop = new AbortController();
  const stopped = untilAborted(stop.signal);
  let current: LinkState = { state: "connecting" };
  let client: Client | undefined;
  let reconnects = 0;
  let running = 0;
  let wasUp = false;
  let sleep = new AbortController();
  let wire: Wire | undefined;
  let drop: ((reason: AppError) => void) | undefined;
  let waiters: (() => void)[] = [];

  const change = (next: LinkState) => {
    current = next;
    for (const wake of waiters.splice(0)) wake();
    deps.onChange(next.state);
  };

  async function live(): Promise<void> {
    const next = deps.newClient();
    const ended = Promise.withResolvers<AppError>();
    const over = new AbortController();
    next.onclose = () => ended.resolve(new AppError("unavailable", "The server closed the connection"));
    wire = deps.newWire();
    const way = wire;
    try {
      using deadline = withDeadline(stop.signal, deps.connectMs, clock, `Connecting to the MCP server ${name}`);
      const opened = (async () => {
        await way.connect(next, deadline.signal);
        await deps.onUp(next, deadline.signal);
      })();
      // A connection that closes meanwhile fails what is under way, and that says why.
      await orAborted(opened, deadline.signal);
      client = next;
      drop = ended.resolve;
      wasUp = true;
      // Transports report each fault of a stream. Whether it matters is asked of the server.
      next.onerror = (error) => {
        log.debug("mcp.transport_fault", { server: name, error: error.message });
        isAnswering(next, over.signal).then((answer) => {
          if (answer !== undefined) ended.resolve(answer);
        });
      };
      change({ state: "up" });
      log.info("mcp.connected", { server: name, reconnects });
      const watching = watch(next, over.signal, ended.resolve);
      const reason = await Promise.race([ended.promise, stopped]);
      over.abort();
      await watching;
      throw reason;
    } finally {
      client = undefined;
      drop = undefined;
      over.abort();
      next.onerror = () => {/* what a connection says that is being closed is no news */};
      await close(next, way, clock);
    }
  }

  let checking: Promise<AppError | undefined> | undefined;
  /** Why the server does not answer, or `undefined` where it does. */
  function isAnswering(asked: Client, signal: AbortSignal): Promise<AppError | undefined> {
    checking ??= ask(asked, signal).finally(() => checking = undefined);
    return checking;
  }

  async function ask(asked: Client, signal: AbortSignal): Promise<AppError | undefined> {
    try {
      const options = { timeout: pingMs, signal };
      await (asked.getProtocolEra() === "modern" ? asked.discover(options) : asked.ping(options));
      return undefined;
    } catch (thrown) {
      // A server that refuses to be pinged is there.
      return thrown instanceof deps.sdk.ProtocolError ? undefined : toMcpError(thrown, deps.sdk, name);
    }
  }

  async function watch(watched: Client, signal: AbortSignal, end: (reason: AppError) => void): Promise<void> {
    let missed = 0;
    while (!signal.aborted) {
      try {
        await clock.wait(pingEveryMs, signal);
      } catch {
        return; // the connection has ended
      }
      const fault = await isAnswering(watched, signal);
      // A server that works on a call may be too busy to answer anything else.
      missed = fault === undefined || running > 0 && fault.kind === "timeout" ? 0 : missed + 1;
      if (fault !== undefined && (missed >= missedBound || fault.kind !== "timeout")) end(fault);
    }
  }

  async function run(): Promise<void> {
    let waitMs = firstWaitMs;
    while (!stop.signal.aborted) {
      const startedMs = clock.monotonic();
      wasUp = false;
      try {
        await live();
      } catch (thrown) {
        if (stop.signal.aborted) return;
        reconnects++;
        const { message, reason } = toMcpError(thrown, deps.sdk, name);
        const detail = wire?.lastWords() ?? sayDetail(thrown);
        log.warn("mcp.disconnected", { server: name, error: message, detail });
        // A server that forgets sessions is there: whoever has noticed waits for the new one.
        if (reason === "session_lost" && wasUp) {
          change({ state: "connecting" });
          continue;
        }
        change({ state: "down", reason: detail === undefined ? message : `${message}: ${detail}` });
        if (clock.monotonic() - startedMs > steadyMs) waitMs = firstWaitMs;
        // A login is a person's matter: to ask again meanwhile would void the page that they were shown.
        const jitteredMs = reason === "login_needed" ? loginMs : waitMs * (0.5 + Math.random() / 2);
        const wait = AbortSignal.any([stop.signal, sleep.signal]);
        await clock.wait(jitteredMs, wait).catch(() => {/* stopping, or woken: the loop goes on */});
        sleep = new AbortController();
        waitMs = Math.min(longestWaitMs, waitMs * 2);
        if (!stop.signal.aborted) change({ state: "connecting" });
      }
    }
  }

  /** The connection, once there is one. A server that is away is not waited for: it was just tried. */
  async function connected(signal: AbortSignal): Promise<Client> {
    const until = clock.monotonic() + patienceMs;
    while (client === undefined) {
      signal.throwIfAborted();
      if (current.state === "down" || clock.monotonic() >= until || stop.signal.aborted) {
        throw new AppError("unavailable", `The MCP server ${name} is away. It is tried again by itself`, {
          reason: "server_away",
        });
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      waiters.push(resolve);
      const timer = new AbortController();
      const wait = clock.wait(until - clock.monotonic(), AbortSignal.any([signal, timer.signal])).catch(() => {});
      await Promise.race([promise, wait]);
      timer.abort();
      waiters = waiters.filter((one) => one !== resolve);
    }
    return client;
  }

  async function attempt<T>(work: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
    const used = await connected(signal);
    running++;
    try {
      return await work(used);
    } catch (thrown) {
      if (signal.aborted) throw toAppError(signal.reason);
      const error = toMcpError(thrown, deps.sdk, name);
      if (error.reason === "session_lost" && client === used) {
        client = undefined;
        current = { state: "connecting" };
        drop?.(error);
      }
      throw error;
    } finally {
      running--;
    }
  }

  const done = run();
  return {
    get current() {
      return current;
    },
    async finishLogin(params) {
      if (wire === undefined) throw new AppError("invalid", `No login at ${name} was begun`);
      await wire.finishLogin(params);
      sleep.abort();
    },
    wake: () => sleep.abort(),
    confinement: () => wire?.confinement(),
    get reconnects() {
      return reconnects;
    },
    async use(work, signal) {
      try {
        return await attempt(work, signal);
      } catch (thrown) {
        if (toAppError(thrown).reason !== "session_lost") throw thrown;
        return await attempt(work, signal);
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new AppError("cancelled", `The MCP server ${name} is not used any more`));
      await done;
    },
  };
}

async function close(client: Client, wire: Wire, clock: Clock): Promise<void> {
  const timer = new AbortController();
  const late = clock.wait(goodbyeMs, timer.signal).catch(() => {/* it was fast enough */});
  await Promise.race([wire.leave().catch(() => {/* it is gone already */}), late]);
  timer.abort();
  await client.close();
}

function untilAborted(signal: AbortSignal): Promise<AppError> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(toAppError(signal.reason)), { once: true });
  });
}
