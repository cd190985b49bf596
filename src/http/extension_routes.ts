import { Hono } from "hono";
import { readJson } from "./body.ts";
import { type Door, toDoor } from "./door.ts";
import { extensionEnableSchema, type ExtensionView } from "./extensions_api.ts";

/** What an operator can see and do about extensions. */
export interface ExtensionDesk {
  views(): readonly ExtensionView[];
  /** @throws {AppError} `missing`; `conflict` where it is not the content of `hash` any more. */
  enable(id: string, hash: string): Promise<void>;
  /** @throws {AppError} `missing` */
  disable(id: string): Promise<void>;
}

/** Writes down who did what. */
type NoteDown = (entry: { readonly actor: Door; readonly action: string; readonly target: string }) => Promise<void>;

/** A hash, and room for spaces around it. */
const maxBodyBytes = 1_000;

/** `/api/extensions`. */
export function newExtensionRoutes(desk: ExtensionDesk, { note }: { readonly note: NoteDown }): Hono {
  const app = new Hono();
  app.get("/", (context) => context.json({ extensions: desk.views() }));
  app.post("/:id/enable", async (context) => {
    const id = context.req.param("id");
    const { hash } = await readJson(context.req.raw, maxBodyBytes, extensionEnableSchema);
    await desk.enable(id, hash);
    await note({ actor: toDoor(context), action: "extension.enabled", target: `${id} ${hash}` });
    return context.json({ ok: true });
  });
  app.post("/:id/disable", async (context) => {
    const id = context.req.param("id");
    await desk.disable(id);
    await note({ actor: toDoor(context), action: "extension.disabled", target: id });
    return context.json({ ok: true });
  });
  return app;
}
