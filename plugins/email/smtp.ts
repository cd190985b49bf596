import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { createTransport } from "nodemailer";
import { z } from "zod";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { MailServer } from "./config.ts";
import { type Credentials, type Login, toProof, withFreshLogin } from "./credentials.ts";

/** The account's SMTP server, and how to get in. */
export interface SmtpAccess {
  readonly server: MailServer;
  readonly credentials: Credentials;
  /** PEM of an own certificate authority. */
  readonly ca: string | undefined;
  /** Name that we greet with. */
  readonly helo: string;
}

/** Who a mail is from and to, for the server. */
export interface Envelope {
  readonly from: string;
  readonly to: string;
}

const connectMs = 20_000;
const silentMs = 60_000;

/** What nodemailer's errors tell. */
const failureSchema = z.object({
  message: z.string(),
  code: z.string().optional(),
  responseCode: z.number().optional(),
  response: z.string().optional(),
});

/**
 * Gives a mail to the server and returns when it said that it has it.
 *
 * @throws {AppError} `unavailable` (also with reason `outcome_unknown` where the server may have it), `missing` for an
 * address that there is not, `denied` for whatever else the server refuses for good, with its words.
 */
export function postMail(access: SmtpAccess, envelope: Envelope, raw: Uint8Array, signal: AbortSignal): Promise<void> {
  return withFreshLogin(access.credentials, (login) => postOnce(access, login, { envelope, raw }, signal));
}

/** Logs in and leaves again. @throws {AppError} `unavailable`; with reason `login_refused` for a login that is not taken. */
export function tryLogin(access: SmtpAccess, signal: AbortSignal): Promise<void> {
  return withFreshLogin(access.credentials, async (login) => {
    using connection = await openTransport(access, login, signal);
    const close = () => connection.transport.close();
    signal.addEventListener("abort", close);
    try {
      await connection.transport.verify();
    } catch (thrown) {
      throw toSmtpError(thrown, { server: access.server, isHandedOver: false, signal });
    } finally {
      signal.removeEventListener("abort", close);
    }
  });
}

async function postOnce(
  access: SmtpAccess,
  login: Login,
  { envelope, raw }: { readonly envelope: Envelope; readonly raw: Uint8Array },
  signal: AbortSignal,
): Promise<void> {
  using connection = await openTransport(access, login, signal);
  const body = Readable.from([raw]);
  let isHandedOver = false;
  body.on("end", () => isHandedOver = true);
  try {
    await connection.transport.sendMail({ envelope: { ...envelope }, raw: body, signal });
  } catch (thrown) {
    throw toSmtpError(thrown, { server: access.server, isHandedOver, signal });
  }
}

async function openTransport({ server, ca, helo }: SmtpAccess, login: Login, signal: AbortSignal) {
  const { host, port, secure, user } = server;
  // Ours: nodemailer would ask for addresses by itself, which takes more permissions than host and port.
  const connection = await openSocket(server, signal);
  const transport = createTransport({
    connection,
    host,
    port,
    secure,
    ...(secure ? {} : { requireTLS: true }),
    auth: "pass" in login ? { user, ...login } : { type: "OAuth2", user, ...toProof(login) },
    tls: ca === undefined ? {} : { ca: [ca] },
    name: helo,
    greetingTimeout: connectMs,
    socketTimeout: silentMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    transport,
    [Symbol.dispose]() {
      transport.close();
      connection.destroy();
    },
  };
}

/** @throws {AppError} `unavailable` */
function openSocket({ host, port }: MailServer, signal: AbortSignal): Promise<Socket> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (why: string) => {
      socket.destroy();
      reject(new AppError("unavailable", `${host}:${port} cannot be reached: ${why}. Check the network and "smtp"`));
    };
    const abort = () => signal.aborted ? reject(signal.reason) : fail("no answer");
    bounded.addEventListener("abort", abort, { once: true });
    // It stays: an error before nodemailer listens would end the worker.
    socket.on("error", ({ message }) => fail(message));
    socket.once("connect", () => {
      bounded.removeEventListener("abort", abort);
      resolve(socket);
    });
  });
}

function toSmtpError(
  thrown: unknown,
  { server, isHandedOver, signal }: {
    readonly server: MailServer;
    readonly isHandedOver: boolean;
    readonly signal: AbortSignal;
  },
): AppError {
  const where = `${server.host}:${server.port}`;
  const parsed = failureSchema.safeParse(thrown);
  if (!parsed.success) return toAppError(thrown);
  const { message, code, responseCode, response } = parsed.data;
  if (responseCode !== undefined && code !== "ECONNECTION") {
    const said = (response ?? message).replace(/\s+/g, " ").slice(0, 500);
    if (code === "EAUTH" && responseCode >= 500) {
      return new AppError("unavailable", `${where} refuses the login of ${server.user}: ${said}. Set its password`, {
        reason: "login_refused",
        retryAfterMs: 60_000,
      });
    }
    if (responseCode < 500) return new AppError("unavailable", `${where} says ${said}`, { reason: "not_now" });
    // Status codes of addresses: RFC 3463, section 3.2.
    const missing = /^\d{3}[ -]5\.1\.[0-46]\b/.test(said);
    return new AppError(missing ? "missing" : "denied", `${where} says ${said}`, { reason: "refused" });
  }
  if (signal.aborted && !isHandedOver) return toAppError(signal.reason);
  if (!isHandedOver) return new AppError("unavailable", `${where}: ${message}`, { cause: thrown });
  return new AppError("unavailable", `${where}: ${message}, after it had got the mail`, { reason: "outcome_unknown" });
}
