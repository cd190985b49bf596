import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Live } from "../lib/live.ts";
import { readJson } from "./body.ts";
import { hasToken, type NoteDown, toActor } from "./door.ts";
import type { Logins } from "./logins.ts";
import { requireTokenAgain } from "./token_again.ts";
import { type ToolDetail, type ToolTried, type ToolTry, toolTrySchema, type ToolView } from "./tools_api.ts";

/** Every tool there is. */
export interface ToolDesk {
  /** By name. */
  list(signal: AbortSignal): Promise<readonly ToolView[]>;
  /** @throws {AppError} `missing` where there is no such tool. */
  show(name: string, signal: AbortSignal): Promise<ToolDetail>;
  /**
   * Calls a tool as one of the agents that may use it, the one way of all tools.
   *
   * @throws {AppError} `missing` for an unknown agent, `denied` where its budget is used up, `unavailable`.
   */
  try(name: string, given: Omit<ToolTry, "token">): Promise<ToolTried>;
}

/** Longest look at what became of calls. */
const lookMs = 15_000;

/** `/api/tools`. */
export function newToolRoutes(
  desk: ToolDesk,
  { config, note, logins }: {
    readonly config: Live<Config>;
    readonly note: NoteDown;
    readonly logins: Pick<Logins, "identify">;
  },
): Hono {
  const app = new Hono();
  app.get("/", async (context) => context.json({ items: await desk.list(AbortSignal.timeout(lookMs)) }));
  app.get("/:name", async (context) => {
    return context.json(await desk.show(context.req.param("name"), AbortSignal.timeout(lookMs)));
  });
  app.post("/:name/try", async (context) => {
    const name = context.req.param("name");
    const { token, ...given } = await readJson(
      context.req.raw,
      config.current.runtime.http.max_body_bytes,
      toolTrySchema,
    );
    const { asksToken } = await desk.show(name, AbortSignal.timeout(lookMs));
    if (asksToken !== undefined && !hasToken(context)) requireTokenAgain(logins, token, asksToken);
    // Before the call: it may be the last thing that this process does.
    await note({ actor: toActor(context), action: "tool.tried", target: `${name} as ${given.agent}` });
    return context.json(await desk.try(name, given));
  });
  return app;
}
