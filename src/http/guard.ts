import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import { matchedRoutes } from "hono/route";
import { AppError } from "../core/error.ts";
import { type Caller, setCaller } from "./caller.ts";
import { toRefusal } from "./refusal.ts";
import type { Logins } from "./logins.ts";
import type { StreamEnds } from "./stream_ends.ts";
import { viewerRoutes } from "./viewer_routes.ts";
import { tooManyGuesses, type WrongGuesses } from "./wrong_guesses.ts";

const securityHeaders: readonly (readonly [string, string])[] = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  ],
  ["x-frame-options", "DENY"],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
];

/** Sends with every answer what keeps a browser from letting other pages in. */
export function withSecurityHeaders(
  handle: (request: Request) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const response = await handle(request);
    for (const [name, value] of securityHeaders) response.headers.set(name, value);
    return response;
  };
}

/** Host names under which a browser on this machine asks. */
const loopbackNames: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** What the guards must know. */
export interface GuardDeps {
  readonly logins: Logins;
  readonly guesses: WrongGuesses;
  readonly streamEnds: StreamEnds;
  /** Name of the login's cookie. */
  readonly cookie: string;
  /** Host names besides loopback, as configured now. */
  allowedHosts(): readonly string[];
}

/**
 * Refuses requests for a foreign host name (DNS rebinding) or from a foreign page.
 * A browser sends `Origin` with everything that can change something, so a request without one is no page's.
 */
export function newPlaceGuard({ allowedHosts }: Pick<GuardDeps, "allowedHosts">): MiddlewareHandler {
  return (context, next) => {
    const host = context.req.header("host") ?? "";
    const name = host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
    if (!loopbackNames.includes(name) && !allowedHosts().includes(name)) {
      throw new AppError(
        "denied",
        `This console does not answer to the host name "${name.slice(0, 200)}". ` +
          "If that name is yours, add it to http.allowed_hosts in runtime.yaml",
        { reason: "foreign_host" },
      );
    }
    const origin = context.req.header("origin");
    if ((origin !== undefined && !isSameOrigin(origin, host)) || isOfForeignPage(context)) {
      throw new AppError("denied", "Requests from pages of another site are not taken", { reason: "foreign_origin" });
    }
    return next();
  };
}

/** Holds the answers to too many wrong tokens back. */
export function newGuessGuard({ guesses }: Pick<GuardDeps, "guesses">): MiddlewareHandler {
  return async (context, next) => {
    await next();
    if (context.error === undefined || toRefusal(context.error).reason !== tooManyGuesses) return;
    await guesses.hold();
  };
}

/** Lets in programs that bring a token, as far as its role goes. */
export function newTokenGuard(deps: Pick<GuardDeps, "logins" | "streamEnds">): MiddlewareHandler {
  return async (context, next) => {
    const caller = findByToken(context, deps.logins);
    if (caller === undefined) throw newNoTokenError();
    await letIn(context, caller, deps.streamEnds, next);
  };
}

/** Lets in programs that bring a token, and browsers that bring a login's cookie, as far as their role goes. */
export function newLoginGuard(deps: Pick<GuardDeps, "logins" | "cookie" | "streamEnds">): MiddlewareHandler {
  return async (context, next) => {
    const caller = findByToken(context, deps.logins) ?? findByCookie(context, deps);
    await letIn(context, caller, deps.streamEnds, next);
  };
}

/** A viewer tried something that is for operators. */
export function newViewerError(): AppError {
  return new AppError(
    "denied",
    "A viewer sees everything and changes nothing. Ask an operator, or log in with an operator's token",
    { reason: "viewer" },
  );
}

async function letIn(
  context: Context,
  caller: Caller,
  streamEnds: StreamEnds,
  next: () => Promise<void>,
): Promise<void> {
  if (caller.role === "viewer" && !mayView(context)) throw newViewerError();
  setCaller(context, caller);
  await next();
  if (context.res.headers.get("content-type")?.startsWith("text/event-stream")) {
    context.res = streamEnds.bind(caller, context.res);
  }
}

/** Every route that could answer must be a viewer's: what answers first is not known before it does. */
function mayView(context: Context): boolean {
  const routes = matchedRoutes(context).filter(({ path }) => !path.endsWith("*"));
  return routes.length > 0 && routes.every(({ method, path }) => viewerRoutes.includes(`${method} ${path}`));
}

function findByCookie(context: Context, { logins, cookie }: Pick<GuardDeps, "logins" | "cookie">): Caller {
  const key = getCookie(context, cookie);
  if (key === undefined) throw newNoTokenError();
  const caller = logins.find(key);
  if (caller === undefined) {
    throw new AppError("denied", "The console's session is over. Log in again", { reason: "no_session" });
  }
  requireOwnPage(context);
  return caller;
}

/** A browser sends a cookie along whoever asks: what changes something must come from the console's own script. */
function requireOwnPage(context: Context): void {
  if (context.req.method === "GET" || context.req.method === "HEAD") return;
  if (context.req.header("origin") === undefined || context.req.header("x-nexo-csrf") !== "1") {
    throw new AppError("denied", "Changes with a session's cookie are only taken from the console's own page", {
      reason: "csrf",
    });
  }
}

/** @throws {AppError} `denied` for a token that is not taken. */
function findByToken(context: Context, logins: Logins): Caller | undefined {
  const given = context.req.header("authorization");
  if (given === undefined) return undefined;
  const [scheme, token] = given.split(" ", 2);
  return logins.identify(scheme?.toLowerCase() === "bearer" ? token ?? "" : "", "header");
}

function newNoTokenError(): AppError {
  return new AppError(
    "denied",
    "This needs a token. Send it as Authorization: Bearer TOKEN; the root token stands in admin.token in the data folder",
    { reason: "no_token" },
  );
}

function isSameOrigin(origin: string, host: string): boolean {
  // Behind a reverse proxy with TLS the page's scheme is https, while this listener only ever sees http.
  const lower = origin.toLowerCase();
  return lower === `http://${host.toLowerCase()}` || lower === `https://${host.toLowerCase()}`;
}

/** Browsers tell by these headers what no page can forge: a picture or a script of a foreign page asks without `Origin`. */
function isOfForeignPage({ req }: Context): boolean {
  const site = req.header("sec-fetch-site");
  return (site === "cross-site" || site === "same-site") && req.header("sec-fetch-mode") !== "navigate";
}
