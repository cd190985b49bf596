import { type Context, Hono } from "hono";
import { getCookie } from "hono/cookie";
import styles from "./console/console.css" with { type: "text" };
import icon from "./console/icon.svg" with { type: "text" };
import indexPage from "./console/index.html" with { type: "text" };
import loginPage from "./console/login.html" with { type: "text" };
import loginScript from "./console/login.js" with { type: "text" };
import mainScript from "./console/main.js" with { type: "text" };
import plotStyles from "./console/plot.css" with { type: "text" };
import plotScript from "./console/plot.js" with { type: "text" };
import type { Logins } from "./logins.ts";

const types = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
} as const;

/** The console's files by name. They hold no data, so that the login page can use them. */
const assets: Readonly<Record<string, string>> = {
  "console.css": styles,
  "icon.svg": icon,
  "login.js": loginScript,
  "main.js": mainScript,
  "plot.css": plotStyles,
  "plot.js": plotScript,
};

/** The console's pages. All that they show comes from `/api`. */
export function newConsoleRoutes(
  { logins, cookie }: { readonly logins: Logins; readonly cookie: string },
): Hono {
  const app = new Hono();
  const isLoggedIn = (context: Context) => logins.find(getCookie(context, cookie) ?? "") !== undefined;

  app.get("/", (context) => isLoggedIn(context) ? answer(indexPage, "html") : context.redirect("/login", 303));
  app.get("/login", (context) => isLoggedIn(context) ? context.redirect("/", 303) : answer(loginPage, "html"));
  app.get("/console/:file", (context) => {
    const file = context.req.param("file");
    const text = Object.hasOwn(assets, file) ? assets[file] : undefined;
    return text === undefined ? context.notFound() : answer(text, toType(file));
  });
  return app;
}

function toType(file: string): keyof typeof types {
  if (file.endsWith(".css")) return "css";
  return file.endsWith(".svg") ? "svg" : "js";
}

function answer(text: string, type: keyof typeof types): Response {
  return new Response(text, { headers: { "content-type": types[type] } });
}
