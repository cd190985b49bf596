import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { AppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { readJson } from "./body.ts";
import type { Caller } from "./caller.ts";
import { type NoteDown, toActor } from "./door.ts";
import { loginRequestSchema } from "./login_api.ts";
import type { Logins } from "./logins.ts";
import type { StreamEnds } from "./stream_ends.ts";
import { tooManyGuesses, type WrongGuesses } from "./wrong_guesses.ts";

/** What logging in and out uses. */
export interface LoginRoutesDeps {
  readonly logins: Logins;
  readonly guesses: WrongGuesses;
  readonly streamEnds: StreamEnds;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly note: NoteDown;
  /** Name of the login's cookie. */
  readonly cookie: string;
}

/** Whoever logs in is nobody yet: a token fits into this many times over. */
const maxLoginBytes = 10_000;
const cookieSeconds = 12 * 3_600;

/** Logging in: by a token, or by a link that works once. */
export function newLoginRoutes({ logins, guesses, log, metrics, note, cookie }: LoginRoutesDeps): Hono {
  const app = new Hono();
  const start = async (context: Context, caller: Caller, by: "token" | "link") => {
    // A login that was there before is nobody's any more, whoever has put its cookie there.
    logins.logOut(getCookie(context, cookie) ?? "");
    setCookie(context, cookie, logins.logIn(caller), {
      httpOnly: true,
      sameSite: "Strict",
      secure: cameByTls(context),
      path: "/",
      maxAge: cookieSeconds,
    });
    log.info("http.logged_in", { by, name: caller.name, role: caller.role });
    await note({ actor: caller.name, action: "console.logged_in", target: `by ${by}` });
  };

  app.post("/api/login", async (context) => {
    const { token } = await readJson(context.req.raw, maxLoginBytes, loginRequestSchema);
    await start(context, logins.identify(token, "form"), "token");
    return context.json({ ok: true });
  });
  app.get("/login", async (context, next) => {
    const code = context.req.query("code");
    if (code === undefined || context.req.method === "HEAD") return await next();
    const caller = logins.redeem(code);
    if (caller !== undefined) {
      await start(context, caller, "link");
      return context.redirect("/", 303);
    }
    const { reason = "denied" } = guesses.count(new AppError("denied", "No such login code", { reason: "wrong_code" }));
    metrics.count("nexo_refusals_total", { part: "http", reason });
    if (reason === tooManyGuesses) await guesses.hold();
    return context.redirect("/login#used", 303);
  });
  return app;
}

/** Logging out, behind the guard. */
export function newLogoutRoutes({ logins, streamEnds, note, cookie }: LoginRoutesDeps): Hono {
  const app = new Hono();
  app.post("/logout", async (context) => {
    const key = deleteCookie(context, cookie);
    if (key !== undefined) logins.logOut(key);
    streamEnds.look();
    if (key !== undefined) await note({ actor: toActor(context), action: "console.logged_out", target: "their own" });
    return context.json({ ok: true });
  });
  return app;
}

/** Whether the browser came by TLS, which a proxy has ended. Who lies here only harms their own cookie. */
function cameByTls({ req }: Context): boolean {
  return req.header("origin")?.startsWith("https:") === true || req.header("x-forwarded-proto") === "https";
}
