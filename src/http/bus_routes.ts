import { Hono } from "hono";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { BusView } from "./bus_api.ts";
import type { EventStreams } from "./event_streams.ts";

/** What can be seen of the bus. */
export interface BusDesk {
  view(signal: AbortSignal): Promise<BusView>;
}

/** Longest look into the ledger for what waits. */
const queryMs = 15_000;
/** How often it is looked whether anything has changed, while somebody watches. */
const lookMs = 2_000;

/** `/api/bus`: how the bus stands and what goes over it, once or whenever that changes. */
export function newBusRoutes(
  desk: BusDesk,
  { streams, clock, log }: { readonly streams: EventStreams; readonly clock: Clock; readonly log: Log },
): Hono {
  let last: { readonly atMs: number; readonly text: Promise<string> } | undefined;
  /** One look for all who watch: half the time, as a timer may be early. */
  const look = (): Promise<string> => {
    const atMs = clock.monotonic();
    if (last === undefined || atMs - last.atMs >= lookMs / 2) {
      const view = desk.view(AbortSignal.any([streams.gone, AbortSignal.timeout(queryMs)]));
      last = { atMs, text: view.then((bus) => JSON.stringify(bus)) };
    }
    return last.text;
  };

  async function* watch(left: AbortSignal): AsyncGenerator<string> {
    let told = "";
    while (!left.aborted) {
      try {
        const text = await look();
        if (text !== told) yield `event: bus\ndata: ${text}\n\n`;
        told = text;
      } catch (thrown) {
        // The next look comes in a moment: the page shows the last one until then.
        if (!left.aborted) log.warn("http.bus_view_failed", { error: toAppError(thrown).message });
      }
      await clock.wait(lookMs, left).catch(() => {/* left: the loop ends */});
    }
  }

  const app = new Hono();
  app.get("/", async (context) => context.json(await desk.view(AbortSignal.timeout(queryMs))));
  app.get("/live", () => {
    const left = new AbortController();
    return streams.open(watch(AbortSignal.any([left.signal, streams.gone])), { [Symbol.dispose]: () => left.abort() });
  });
  return app;
}
