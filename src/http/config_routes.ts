import { Hono } from "hono";
import type { ConfigDesk } from "../config/desk.ts";
import type { Explanation } from "../config/explain.ts";
import { parseRequest, readJson } from "./body.ts";
import {
  configApplySchema,
  configCheckSchema,
  configExplainRequestSchema,
  configOptionsRequestSchema,
} from "./config_api.ts";
import { toActor } from "./door.ts";
import type { Logins } from "./logins.ts";
import { requireTokenAgain } from "./token_again.ts";
import type { Audit } from "./views.ts";

/** A text of a config fits in; far more does not. */
const maxBodyBytes = 4_000_000;

/** Files that name no programs and no plugins. Whoever edits another one, a new one too, shows the token once more. */
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
  app.get("/files", async (context) => context.json({ files: await desk.list() }));
  app.post("/check", async (context) => {
    const edit = await readJson(context.req.raw, maxBodyBytes, configCheckSchema);
    return context.json({ faults: await desk.check(edit) });
  });
  app.post("/apply", async (context) => {
    const { token, ...edit } = await readJson(context.req.raw, maxBodyBytes, configApplySchema);
    if (!harmlessFiles.test(edit.path)) requireTokenAgain(logins, token, `${edit.path} can name commands to run`);
    const outcome = await desk.apply(edit);
    await audit.note({ actor: toActor(context), action: "config.edited", target: edit.path });
    return context.json({
      result: outcome.result,
      restartNeeded: outcome.result === "applied" ? outcome.restartNeeded : [],
    });
  });
  app.get("/explain", (context) => {
    const { path } = parseRequest(configExplainRequestSchema, context.req.query());
    return context.json({ items: explain(path) });
  });
  app.get("/options", (context) => {
    const { file } = parseRequest(configOptionsRequestSchema, context.req.query());
    return context.json({ items: desk.options(file) });
  });
  app.get("/history", async (context) => context.json({ items: await desk.past() }));
  app.get("/history/:id", async (context) => context.json({ text: await desk.readPast(context.req.param("id")) }));
  return app;
}
