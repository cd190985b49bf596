import { ImapFlow } from "imapflow";
import { AppError } from "../../src/core/error.ts";
import type { MailServer } from "./config.ts";
import { type Credentials, type Login, toProof, withFreshLogin } from "./credentials.ts";

/** The account's IMAP server, and how to get in. */
export interface ImapAccess {
  readonly server: MailServer;
  readonly credentials: Credentials;
  /** PEM of an own certificate authority. */
  readonly ca: string | undefined;
}

/** A connection. It breaks once, and is then of no use. */
export interface ImapConnection extends Disposable {
  readonly client: ImapFlow;
  /** Fires when it is over, with the reason. */
  readonly closed: AbortSignal;
}

const connectMs = 15_000;
const greetingMs = 10_000;
/** The server says nothing for this long, not even to a poll: the connection is dead. */
const silentMs = 300_000;
const autoIdleMs = 50;

/**
 * Connects and logs in. `signal` closes the connection whenever it fires.
 *
 * @throws {AppError} `unavailable`; with reason `login_refused` where the server does not take the login.
 */
export function connectImap(access: ImapAccess, signal: AbortSignal): Promise<ImapConnection> {
  return withFreshLogin(access.credentials, (login) => connectOnce(access, login, signal));
}

async function connectOnce({ server, ca }: ImapAccess, login: Login, signal: AbortSignal): Promise<ImapConnection> {
  signal.throwIfAborted();
  const { host, port, secure, user } = server;
  const client = new ImapFlow({
    host,
    port,
    secure,
    ...(secure ? {} : { doSTARTTLS: true }),
    auth: { user, ...toProof(login) },
    tls: ca === undefined ? {} : { ca: [ca] },
    logger: false,
    autoIdleDelay: autoIdleMs,
    connectionTimeout: connectMs,
    greetingTimeout: greetingMs,
    socketTimeout: silentMs,
  });
  const closed = new AbortController();
  const close = () => client.close();
  client.on("error", (error: unknown) => closed.abort(toImapError(error, server)));
  client.on("close", () => {
    signal.removeEventListener("abort", close);
    closed.abort(new AppError("unavailable", `${host} closed the connection`));
  });
  signal.addEventListener("abort", close);
  try {
    await client.connect();
  } catch (thrown) {
    signal.removeEventListener("abort", close);
    client.close();
    throw toImapError(thrown, server);
  }
  return { client, closed: closed.signal, [Symbol.dispose]: close };
}

/** What a failed exchange with the server means. ImapFlow's errors hold no passwords. */
export function toImapError(thrown: unknown, { host, port, user }: MailServer): AppError {
  if (thrown instanceof AppError) return thrown;
  const where = `${host}:${port}`;
  if (!(thrown instanceof Error)) return new AppError("unavailable", `${where}: ${String(thrown)}`);
  if ("authenticationFailed" in thrown && thrown.authenticationFailed === true && !isPassing(thrown)) {
    const said = "responseText" in thrown ? ` (${thrown.responseText})` : "";
    return new AppError("unavailable", `${where} refuses the login of ${user}${said}. Set the password it gave you`, {
      reason: "login_refused",
      retryAfterMs: 60_000,
    });
  }
  const said = "responseText" in thrown ? ` (${thrown.responseText})` : "";
  return new AppError("unavailable", `${where}: ${thrown.message}${said}`, { cause: thrown });
}

/** Response codes with which a server says that it cannot tell now whether a login is right: RFC 5530, section 3. */
const passing = new Set(["UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT"]);

function isPassing(error: Error): boolean {
  return "serverResponseCode" in error && passing.has(String(error.serverResponseCode).toUpperCase());
}
