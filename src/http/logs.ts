import { Hono } from "hono";
import type { RecentLog } from "../telemetry/recent_log.ts";
import { type LogEntryView, logQuerySchema } from "./logs_api.ts";
import { parseRequest } from "./body.ts";
import type { EventStreams } from "./event_streams.ts";

/** `GET /api/logs`: the newest entries of the process's log, and with `follow` those to come, as they come. */
export function newLogRoutes({ logs, streams }: { readonly logs: RecentLog; readonly streams: EventStreams }): Hono {
  const app = new Hono();
  app.get("/logs", (context) => {
    const { level, event, limit, follow, ...fields } = parseRequest(logQuerySchema, context.req.query());
    const filter = { level, event, fields };
    if (follow === undefined) return context.json({ items: logs.list(filter, limit).map(toView) });
    const gone = new AbortController();
    return streams.open(writeEvents(logs.follow(filter, limit, gone.signal)), {
      [Symbol.dispose]: () => gone.abort(),
    });
  });
  return app;
}

type Entry = ReturnType<RecentLog["list"]>[number];

async function* writeEvents(batches: AsyncIterable<readonly Entry[]>): AsyncGenerator<string> {
  for await (const batch of batches) {
    yield batch.map((entry) => `event: entry\ndata: ${JSON.stringify(toView(entry))}\n\n`).join("");
  }
}

function toView({ at, level, event, fields }: Entry): LogEntryView {
  return { at: new Date(at).toISOString(), level, event, fields };
}
