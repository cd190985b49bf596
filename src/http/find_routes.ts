import { Hono } from "hono";
import { parseRequest } from "./body.ts";
import { callerOf } from "./caller.ts";
import { findRequestSchema, type FoundView } from "./find_api.ts";
import { toSeenFound } from "./seen.ts";

/** Finds messages by whatever is known of them. */
export type Find = (text: string, signal: AbortSignal) => Promise<readonly FoundView[]>;

const queryMs = 15_000;

/** `GET /api/find`: what happened with a message. */
export function newFindRoutes(find: Find): Hono {
  const app = new Hono();
  app.get("/", async (context) => {
    const { q } = parseRequest(findRequestSchema, context.req.query());
    const items = await find(q, AbortSignal.timeout(queryMs));
    return context.json({ items: items.map((item) => toSeenFound(item, callerOf(context))) });
  });
  return app;
}
