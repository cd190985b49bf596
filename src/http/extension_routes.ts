import { Hono } from "hono";
import type { Log } from "../core/log.ts";
import { readJson } from "./body.ts";
import { extensionEnableSchema, type ExtensionView } from "./extensions_api.ts";

/** What an operator can see and do about extensions. */
export interface ExtensionDesk {
  views(): readonly ExtensionView[];
  /** @throws {AppError} `missing`; `conflict` where it is not the content of `hash` any more. */
  enable(id: string, hash: string): Promise<void>;
  /** @throws {AppError} `missing` */
  disable(id: string): Promise<void>;
}

/** A hash, and room for spaces around it. */
const maxBodyBytes = 1_000;

/** `/api/extensions`. Who changes something stands in the log. */
export function newExtensionRoutes(desk: ExtensionDesk, log: Log): Hono {
  const app = new Hono();
  app.get("/", (context) => context.json({ extensions: desk.views() }));
  app.post("/:id/enable", async (context) => {
    const id = context.req.param("id");
    const { hash } = await readJson(context.req.raw, maxBodyBytes, extensionEnableSchema);
    await desk.enable(id, hash);
    log.info("extension.enabled", { extension: id, hash, by: "admin" });
    return context.json({ ok: true });
  });
  app.post("/:id/disable", async (context) => {
    const id = context.req.param("id");
    await desk.disable(id);
    log.info("extension.disabled", { extension: id, by: "admin" });
    return context.json({ ok: true });
  });
  return app;
}
