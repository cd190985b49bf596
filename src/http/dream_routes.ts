import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Dreams } from "../core/dream.ts";
import type { Live } from "../lib/live.ts";
import { readJson } from "./body.ts";
import { type NoteDown, toActor } from "./door.ts";
import { type DreamEvent, dreamRequestSchema } from "./dream_api.ts";
import type { EventStreams } from "./event_streams.ts";
import { toRefusal } from "./refusal.ts";

/** `/api/agents/:agent/dream`: dreaming by hand. A model is asked, so the answer streams. */
export function newDreamRoutes(
  dreams: Dreams,
  { streams, config, note }: { readonly streams: EventStreams; readonly config: Live<Config>; readonly note: NoteDown },
): Hono {
  const app = new Hono();
  app.post("/:agent/dream", async (context) => {
    const maxBytes = config.current.runtime.http.max_body_bytes;
    const options = await readJson(context.req.raw, maxBytes, dreamRequestSchema);
    const agent = context.req.param("agent");
    if (!options.dryRun) await note({ actor: toActor(context), action: "memory.dream_begun", target: agent });
    const left = new AbortController();
    const events = tell(dreams.dream(agent, options, left.signal));
    return streams.open(events, { [Symbol.dispose]: () => left.abort() });
  });
  return app;
}

async function* tell(dreaming: ReturnType<Dreams["dream"]>): AsyncGenerator<string> {
  let event: DreamEvent;
  try {
    const dream = await dreaming;
    event = { type: "dreamt", dream: dream ?? null };
  } catch (thrown) {
    const { kind, message, reason } = toRefusal(thrown);
    event = { type: "error", error: { kind, message, reason } };
  }
  yield `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
