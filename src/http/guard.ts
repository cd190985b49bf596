import type { Context, MiddlewareHandler, Next } from "hono";
import { getCookie } from "hono/cookie";
import { AppError } from "../core/error.ts";
import type { Logins } from "./logins.ts";

const securityHeaders: readonly (readonly [string, string])[] = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  ],
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

/** What the guard must know. */
export interface GuardDeps {
  readonly logins: Logins;
  /** Name of the session's cookie. */
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
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      throw new AppError("denied", "Requests from pages of another site are not taken", { reason: "foreign_origin" });
    }
    return next();
  };
}

/** Lets in only programs that bring the token. */
export function newTokenGuard({ logins }: Pick<GuardDeps, "logins">): MiddlewareHandler {
  return async (context, next) => {
    if (!hasToken(context, logins)) throw newNoTokenError();
    await next();
  };
}

/** Lets in programs that bring the token, and browsers that bring a session's cookie. */
export function newLoginGuard({ logins, cookie }: Pick<GuardDeps, "logins" | "cookie">): MiddlewareHandler {
  return async (context: Context, next: Next) => {
    if (hasToken(context, logins)) return await next();
    const session = getCookie(context, cookie);
    if (session === undefined) throw newNoTokenError();
    if (!logins.isSession(session)) {
      throw new AppError("denied", "The console's session is over. Log in again", { reason: "no_session" });
    }
    requireOwnPage(context);
    await next();
  };
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

/** @throws {AppError} `denied` for a token that is not the one. */
function hasToken(context: Context, logins: Logins): boolean {
  const given = context.req.header("authorization");
  if (given === undefined) return false;
  const [scheme, token] = given.split(" ", 2);
  if (scheme?.toLowerCase() === "bearer" && token && logins.isToken(token)) return true;
  throw new AppError("denied", "The token is not the one in admin.token in the data folder", { reason: "wrong_token" });
}

function newNoTokenError(): AppError {
  return new AppError(
    "denied",
    "This needs the console's token. Send it as Authorization: Bearer TOKEN; it stands in admin.token in the data folder",
    { reason: "no_token" },
  );
}

function isSameOrigin(origin: string, host: string): boolean {
  // Behind a reverse proxy with TLS the page's scheme is https, while this listener only ever sees http.
  const lower = origin.toLowerCase();
  return lower === `http://${host.toLowerCase()}` || lower === `https://${host.toLowerCase()}`;
}
