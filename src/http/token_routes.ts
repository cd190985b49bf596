import { Hono } from "hono";
import { rootName } from "../core/access.ts";
import { AppError } from "../core/error.ts";
import { parseRequest, readJson } from "./body.ts";
import { callerOf } from "./caller.ts";
import { type NoteDown, toActor } from "./door.ts";
import type { Logins } from "./logins.ts";
import type { StreamEnds } from "./stream_ends.ts";
import { requireTokenAgain } from "./token_again.ts";
import type { RootToken, Tokens } from "./tokens.ts";
import { loginsEndSchema, type Me, rootRotateSchema, tokenCreateSchema, tokenIdSchema } from "./tokens_api.ts";

/** What the routes about access use. */
export interface TokenRoutesDeps {
  readonly root: RootToken;
  readonly tokens: Tokens;
  readonly logins: Logins;
  readonly streamEnds: StreamEnds;
  readonly note: NoteDown;
}

const maxBodyBytes = 10_000;
const queryMs = 15_000;

/** `/api/me`, `/api/tokens`, `/api/logins`: who may use the console and the API, and who does. */
export function newTokenRoutes({ root, tokens, logins, streamEnds, note }: TokenRoutesDeps): Hono {
  const app = new Hono();
  app.get("/me", (context) => {
    const { name, role, expiresAt } = callerOf(context);
    const me: Me = { name, role, ...(expiresAt === undefined ? {} : { expiresAt }) };
    return context.json(me);
  });

  app.get("/tokens", async (context) => context.json({ items: await tokens.list(AbortSignal.timeout(queryMs)) }));
  app.post("/tokens", async (context) => {
    const { token, ...request } = await readJson(context.req.raw, maxBodyBytes, tokenCreateSchema);
    requireTokenAgain(logins, token, "A new token outlives this session");
    return context.json(await tokens.create(request, toActor(context)));
  });
  app.post("/tokens/:id/revoke", async (context) => {
    const { id } = parseRequest(tokenIdSchema, context.req.param());
    const revoked = await tokens.revoke(id, toActor(context));
    streamEnds.look();
    return context.json(revoked);
  });
  app.post("/tokens/root/rotate", async (context) => {
    const { token } = await readJson(context.req.raw, maxBodyBytes, rootRotateSchema);
    if (callerOf(context).tokenId !== undefined) {
      throw new AppError("denied", "Only the holder of the root token puts another one in its place", {
        reason: "not_root",
      });
    }
    requireTokenAgain(logins, token, "A new root token ends every session of the old one");
    const actor = toActor(context);
    const text = (await root.rotate()).reveal();
    streamEnds.look();
    await note({ actor, action: "token.rotated", target: rootName });
    return context.json({ text });
  });

  app.get("/logins", (context) => context.json({ items: logins.list(callerOf(context).login) }));
  app.post("/logins/end", async (context) => {
    const { id } = await readJson(context.req.raw, maxBodyBytes, loginsEndSchema);
    const actor = toActor(context);
    const count = logins.end(id);
    streamEnds.look();
    if (count > 0) await note({ actor, action: "console.logged_out", target: id === undefined ? "everywhere" : "one" });
    return context.json({ count });
  });
  return app;
}
