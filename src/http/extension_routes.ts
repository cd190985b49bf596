import { Hono } from "hono";
import { readJson } from "./body.ts";
import { hasToken, type NoteDown, toActor } from "./door.ts";
import { extensionEnableSchema, type ExtensionView } from "./extensions_api.ts";
import type { Logins } from "./logins.ts";
import { requireTokenAgain } from "./token_again.ts";

/** What an operator can see and do about extensions. */
export interface ExtensionDesk {
  views(): readonly ExtensionView[];
  /** @throws {AppError} `missing`; `conflict` where it is not the content of `hash` any more. */
  enable(id: string, hash: string): Promise<void>;
  /** @throws {AppError} `missing` */
  disable(id: string): Promise<void>;
}

/** A hash, a token, and room for spaces around them. */
const maxBodyBytes = 2_000;

/** `/api/extensions`. */
export function newExtensionRoutes(
  desk: ExtensionDesk,
  { note, logins }: { readonly note: NoteDown; readonly logins: Pick<Logins, "identify"> },
): Hono {
  const app = new Hono();
  app.get("/", (context) => context.json({ extensions: desk.views() }));
  app.post("/:id/enable", async (context) => {
    const id = context.req.param("id");
    const { hash, token } = await readJson(context.req.raw, maxBodyBytes, extensionEnableSchema);
    if (!hasToken(context)) requireTokenAgain(logins, token, `${id} is a program that would run`);
    await desk.enable(id, hash);
    await note({ actor: toActor(context), action: "extension.enabled", target: `${id} ${hash}` });
    return context.json({ ok: true });
  });
  app.post("/:id/disable", async (context) => {
    const id = context.req.param("id");
    await desk.disable(id);
    await note({ actor: toActor(context), action: "extension.disabled", target: id });
    return context.json({ ok: true });
  });
  return app;
}
