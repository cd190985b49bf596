import { type Context, Hono } from "hono";
import type { ConfigDesk, ConfigEdit } from "../config/desk.ts";
import type { Explanation } from "../config/explain.ts";
import { findNewReach } from "../config/reach.ts";
import { parseRequest, readJson } from "./body.ts";
import {
  configApplySchema,
  configCheckSchema,
  configExplainRequestSchema,
  configOptionsRequestSchema,
} from "./config_api.ts";
import { callerOf } from "./caller.ts";
import { hasToken, toActor } from "./door.ts";
import type { Logins } from "./logins.ts";
import { toSeenSetting } from "./seen.ts";
import { requireTokenAgain } from "./token_again.ts";
import type { Audit } from "./views.ts";

/** A text of a config fits in; far more does not. */
const maxBodyBytes = 4_000_000;

/**
 * Files that name no programs and no plugins. Whoever edits another one, a new one too, shows the token once more; in
 * these only for what reaches further than before.
 */
const harmlessFiles = /^(?:(?:agents|llm|memory|broker|runtime)\.yaml|agents\.d\/[^/]*)$/;

/** `/api/config`: reads, checks and edits the config folder. */
export function newConfigRoutes({ desk, audit, logins, explain }: {
  readonly desk: ConfigDesk;
  readonly audit: Audit;
  readonly logins: Logins;
  /** Settings in force below a path, and where each comes from. */
  explain(path: string): readonly Explanation[];
}): Hono {
  const app = new Hono();
  /** Why an edit needs the token once more; `undefined` where it does not. */
  const findDanger = async ({ path, text, base }: ConfigEdit, context: Context): Promise<string | undefined> => {
    if (!harmlessFiles.test(path)) return `${path} can name commands to run`;
    if (hasToken(context)) return undefined;
    // Another text than the one that it was made from reaches nothing yet: then all of it counts.
    const before = (await desk.list()).find((file) => file.path === path && file.version === base);
    const reach = findNewReach(before?.text ?? "", text);
    if (reach.length === 0) return undefined;
    const names = `${reach.slice(0, 3).join(", ")}${reach.length > 3 ? " and more" : ""}`;
    return `This sets ${names} in ${path}, which can open files, keys, tools or listeners`;
  };
  app.get("/files", async (context) => context.json({ files: await desk.list() }));
  app.post("/check", async (context) => {
    const edit = await readJson(context.req.raw, maxBodyBytes, configCheckSchema);
    return context.json({ faults: await desk.check(edit) });
  });
  app.post("/apply", async (context) => {
    const { token, ...edit } = await readJson(context.req.raw, maxBodyBytes, configApplySchema);
    const danger = await findDanger(edit, context);
    if (danger !== undefined) requireTokenAgain(logins, token, danger);
    const outcome = await desk.apply(edit);
    await audit.note({ actor: toActor(context), action: "config.edited", target: edit.path });
    return context.json({
      result: outcome.result,
      restartNeeded: outcome.result === "applied" ? outcome.restartNeeded : [],
    });
  });
  app.get("/explain", (context) => {
    const { path } = parseRequest(configExplainRequestSchema, context.req.query());
    return context.json({ items: explain(path).map((setting) => toSeenSetting(setting, callerOf(context))) });
  });
  app.get("/options", (context) => {
    const { file } = parseRequest(configOptionsRequestSchema, context.req.query());
    return context.json({ items: desk.options(file) });
  });
  app.get("/history", async (context) => context.json({ items: await desk.past() }));
  app.get("/history/:id", async (context) => context.json({ text: await desk.readPast(context.req.param("id")) }));
  return app;
}
