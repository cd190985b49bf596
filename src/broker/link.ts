import { jetstream, type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import {
  AuthorizationError,
  connect,
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  type TlsOptions,
  UserAuthenticationExpiredError,
} from "@nats-io/transport-node";
import type { NatsConfig } from "../config/broker.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { type Live, newLive } from "../lib/live.ts";
import { type Asker, newAsker } from "./asker.ts";
import { catchStraySocketErrors } from "./stray_errors.ts";

/** One connection from its beginning to its end. The next one is another session: nothing is carried over. */
export interface Session {
  readonly connection: NatsConnection;
  /** The server's own storage of events; `undefined` where it has none. */
  readonly jetStream: JetStream | undefined;
  readonly asker: Asker;
  /** Fires when the connection is gone. */
  readonly signal: AbortSignal;
}

/** Both sides of JetStream: using it and managing it. */
export interface JetStream {
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
}

/** How the connection stands. `since` is ISO 8601 UTC. */
export type LinkState =
  | { readonly state: "up"; readonly since: string; readonly session: Session }
  | { readonly state: "down"; readonly since: string; readonly reason: string };

/** A connection to NATS that comes back by itself, without limit. */
export interface Link extends AsyncDisposable {
  readonly state: Live<LinkState>;
}

/** What {@linkcode openLink} needs. */
export interface LinkDeps {
  readonly config: NatsConfig;
  readonly log: Log;
  readonly clock: Clock;
  /** Makes on the server what the session needs. Where it throws, the connection is given up and tried again. */
  prepare(session: Session): Promise<void>;
}

const firstWaitMs = 100;
/** A server that comes for a second now and then must not be missed for long; one that refuses us need not hear it so often. */
const longestWaitMs = 1_000;
const longestRefusedWaitMs = 5_000;
const connectMs = 3_000;
/** How often a server without JetStream is asked whether it has it now, milliseconds. */
const askAgainMs = 30_000;
/** Until the system has said of a destroyed socket what it has to say, milliseconds. */
const lingerMs = 25;
/** Longest wait for an acknowledgement of JetStream, milliseconds. */
const ackMs = 5_000;

/**
 * Opens the link and connects in the background.
 *
 * The client's own reconnecting is off: it forgets what was published while it was away, without an error. Here every
 * connection ends for good, with an error for all that was under way on it.
 */
export function openLink({ config, log, clock, prepare }: LinkDeps): Link {
  const closing = new AbortController();
  const since = () => new Date(clock.now()).toISOString();
  const state = newLive<LinkState>({ state: "down", since: since(), reason: "Connecting" });

  const goDown = (reason: string): void => {
    const { current } = state;
    if (current.state === "down" && current.reason === reason) return;
    log.warn("nats.down", { error: reason });
    state.set({ state: "down", since: current.state === "down" ? current.since : since(), reason });
  };

  const run = async (): Promise<void> => {
    for (let waitMs = firstWaitMs; !closing.signal.aborted;) {
      try {
        await stay();
        waitMs = firstWaitMs;
      } catch (thrown) {
        goDown(toConnectError(thrown, config).message);
        waitMs = Math.min(waitMs * 2, isRefused(thrown) ? longestRefusedWaitMs : longestWaitMs);
      }
      await clock.wait(waitMs * (0.5 + Math.random() / 2), closing.signal).catch(() => {/* closing, see the loop */});
    }
  };

  /** Connects, and stays until the connection is gone. */
  const stay = async (): Promise<void> => {
    const connection = await connectAny(config, closing.signal);
    const gone = new AbortController();
    const disconnect = () => void connection.close();
    closing.signal.addEventListener("abort", disconnect, { once: true });
    const ended = connection.closed().then((error) => {
      gone.abort(new AppError("unavailable", "The connection to NATS is gone", { reason: "connection_lost" }));
      return error;
    });
    try {
      if (closing.signal.aborted) return;
      const { signal } = gone;
      const asker = newAsker(connection, { clock, patienceMs: ackMs, signal });
      const session = { connection, jetStream: await findJetStream(connection), asker, signal };
      await prepare(session);
      log.info("nats.up", { server: connection.getServer(), jetStream: session.jetStream !== undefined });
      state.set({ state: "up", since: since(), session });
      const found = session.jetStream === undefined ? untilJetStream(connection, signal) : undefined;
      const error = await ended;
      if (closing.signal.aborted) return;
      if (await found === true) goDown("JetStream has come up: connecting anew");
      else goDown(`The server went away${error === undefined ? "" : `: ${error.message}`}`);
    } finally {
      closing.signal.removeEventListener("abort", disconnect);
      await connection.close();
      await ended;
    }
  };

  /** Ends a connection when JetStream has come up on it: the next one begins with it. Gives whether it did. */
  const untilJetStream = async (connection: NatsConnection, signal: AbortSignal): Promise<boolean> => {
    while (!signal.aborted) {
      await clock.wait(askAgainMs, signal).catch(() => {/* gone, see the loop */});
      const found = await findJetStream(connection).catch(() => undefined); // too slow now: asked again
      if (found === undefined || signal.aborted) continue;
      await connection.close();
      return true;
    }
    return false;
  };

  const strayErrors = catchStraySocketErrors(log);
  const running = run();
  return {
    state,
    async [Symbol.asyncDispose]() {
      closing.abort(new AppError("cancelled", "The bus is closing"));
      await running;
      await clock.wait(lingerMs);
      strayErrors[Symbol.dispose]();
    },
  };
}

/**
 * Connects and logs in once, and leaves again.
 *
 * @returns Whether the server keeps events.
 * @throws {AppError} `unavailable`, which says why there is no connection.
 */
export async function tryLink(config: NatsConfig, { log, clock }: Pick<LinkDeps, "log" | "clock">) {
  using _strayErrors = catchStraySocketErrors(log);
  try {
    const connection = await connectAny(config, new AbortController().signal);
    try {
      return { jetStream: await findJetStream(connection) !== undefined };
    } finally {
      await connection.close();
    }
  } catch (thrown) {
    throw toConnectError(thrown, config);
  } finally {
    await clock.wait(lingerMs);
  }
}

/** Servers of a config, as the client wants them. */
function toServers({ url }: NatsConfig): string[] {
  return [url].flat().map((server) => server.replace(/^(nats|tls):\/\//, ""));
}

/**
 * Tries every server, beginning with any. One at a time: TLS is told which name or address the certificate must be for.
 *
 * @throws What the last one's connecting threw.
 */
async function connectAny(config: NatsConfig, closing: AbortSignal): Promise<NatsConnection> {
  const servers = toServers(config);
  const first = Math.floor(Math.random() * servers.length);
  let failure: unknown;
  for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
    try {
      closing.throwIfAborted();
      return await connect(await toOptions(config, server));
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure;
}

async function toOptions(config: NatsConfig, server: string): Promise<ConnectionOptions> {
  const tls = await toTls(config, server);
  return {
    servers: server,
    name: config.name,
    reconnect: false,
    noEcho: true,
    // A stack for each request, which is most of what a request costs.
    noAsyncTraces: true,
    timeout: connectMs,
    pingInterval: config.ping_interval,
    maxPingOut: 2,
    ...await toIdentity(config),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** Files are read again for each connection, so that renewed ones are used. */
async function toTls({ tls, url }: NatsConfig, server: string): Promise<TlsOptions | undefined> {
  if (tls === undefined && ![url].flat().some((one) => one.startsWith("tls://"))) return undefined;
  const options = {
    ...(tls?.ca_file === undefined ? {} : { ca: await Deno.readTextFile(tls.ca_file) }),
    ...(tls?.cert_file === undefined ? {} : { cert: await Deno.readTextFile(tls.cert_file) }),
    ...(tls?.key_file === undefined ? {} : { key: await Deno.readTextFile(tls.key_file) }),
    // The client names no host for a bare address, and a certificate for `localhost` would do.
    host: server.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"),
  };
  return options;
}

async function toIdentity({ auth }: NatsConfig): Promise<ConnectionOptions> {
  if (auth === undefined) return {};
  if ("user" in auth) return { user: auth.user, pass: auth.password.reveal() };
  if ("token" in auth) return { token: auth.token.reveal() };
  if ("creds_file" in auth) return { authenticator: credsAuthenticator(await Deno.readFile(auth.creds_file)) };
  const seed = (await Deno.readTextFile(auth.nkey_file)).trim();
  return { authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)) };
}

/** Asks whether the server has JetStream. */
async function findJetStream(connection: NatsConnection): Promise<JetStream | undefined> {
  try {
    const manager = await jetstreamManager(connection, { timeout: ackMs });
    return { manager, client: jetstream(connection, { timeout: ackMs }) };
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "JetStreamNotEnabled") return undefined;
    throw thrown;
  }
}

function isRefused(thrown: unknown): boolean {
  return thrown instanceof AuthorizationError || thrown instanceof UserAuthenticationExpiredError;
}

/** Says why there is no connection, with the remedy and without a secret. */
function toConnectError(thrown: unknown, config: NatsConfig): AppError {
  const where = toServers(config).join(", ");
  const name = thrown instanceof Error ? thrown.name : "";
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const say = (text: string) => new AppError("unavailable", `Cannot use NATS at ${where}: ${text}`, { cause: thrown });
  if (thrown instanceof AppError) return say(thrown.message);
  if (isRefused(thrown)) return say("it refuses our credentials. Check broker.auth in broker.yaml");
  if (name === "TimeoutError") return say("it does not answer like a NATS server. Check broker.url in broker.yaml");
  if (/unexpected response/i.test(message)) return say("this is no NATS server. Check broker.url in broker.yaml");
  if (/refused/i.test(message)) return say("nobody listens there. Start it, or correct broker.url in broker.yaml");
  return say(toAppError(thrown).message);
}
