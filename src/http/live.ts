import { Hono } from "hono";
import type { Clock } from "../core/clock.ts";
import { newLive } from "../lib/live.ts";
import type { Status } from "./api.ts";
import type { EventStreams } from "./event_streams.ts";
import { every } from "./every.ts";

/** How often the process looks whether anything has changed, while somebody watches. */
const lookMs = 1_000;

/** `GET /api/live`: how the process stands, at once and then whenever that changes. */
export function openLiveRoutes(
  { status, streams, clock }: {
    status(): Status;
    readonly streams: EventStreams;
    readonly clock: Clock;
  },
): { readonly routes: Hono } & AsyncDisposable {
  const gone = new AbortController();
  const shown = newLive("");
  let watchers = 0;
  const look = () => {
    const text = JSON.stringify(status());
    if (text !== shown.current) shown.set(text);
  };
  const looking = every(lookMs, clock, gone.signal, () => {
    if (watchers > 0) look();
  });

  async function* watch(signal: AbortSignal): AsyncGenerator<string> {
    watchers++;
    try {
      look();
      yield toEvent(shown.current);
      for await (const text of shown.changes(signal)) yield toEvent(text);
    } finally {
      watchers--;
    }
  }

  const routes = new Hono();
  routes.get("/live", () => {
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, gone.signal]);
    return streams.open(watch(signal), { [Symbol.dispose]: () => left.abort() });
  });
  return {
    routes,
    async [Symbol.asyncDispose]() {
      gone.abort();
      await looking;
    },
  };
}

function toEvent(text: string): string {
  return `event: status\ndata: ${text}\n\n`;
}
