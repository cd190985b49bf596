import { Hono } from "hono";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { newLive } from "../lib/live.ts";
import type { Activity } from "./activity_api.ts";
import type { Status } from "./status_api.ts";
import { type Caller, callerOf } from "./caller.ts";
import type { EventStreams } from "./event_streams.ts";
import { every } from "./every.ts";
import { toSeen } from "./seen.ts";

/** How often the process looks whether anything has changed, while somebody watches. */
const lookMs = 1_000;
/** What went on is summed up this often: a query in the reader worker. */
const activityMs = 5_000;
/** How often a watcher is told that the process is there, which a page that hears nothing cannot know. */
const aliveMs = 15_000;

/**
 * `GET /api/live`: how the process stands (`status`), and what went on in the last hour (`activity`); at once, and then
 * whenever that changes; `alive` where it does not.
 */
export function openLiveRoutes(
  { status, activity, streams, clock, log }: {
    status(): Status;
    activity(signal: AbortSignal): Promise<Activity>;
    readonly streams: EventStreams;
    readonly clock: Clock;
    readonly log: Log;
  },
): { readonly routes: Hono } & AsyncDisposable {
  const gone = new AbortController();
  const shown = newLive({ status: "", activity: "" });
  let watchers = 0;
  const look = () => show({ status: JSON.stringify(status()) });
  const sumUp = async () => show({ activity: JSON.stringify(await activity(gone.signal)) });
  const show = (change: { readonly status?: string; readonly activity?: string }) => {
    const next = { ...shown.current, ...change };
    if (next.status !== shown.current.status || next.activity !== shown.current.activity) shown.set(next);
  };
  const looking = every(lookMs, clock, gone.signal, () => {
    if (watchers > 0) look();
  });
  let summing = Promise.resolve();
  const startSumming = () => {
    // The next one comes in a few seconds: the page shows the last figures until then.
    summing = summing.then(sumUp).catch((thrown) => {
      if (!gone.signal.aborted) log.warn("http.activity_failed", { error: toAppError(thrown).message });
    });
  };
  const summingUp = every(activityMs, clock, gone.signal, () => {
    if (watchers > 0) startSumming();
  });

  const breathing = every(aliveMs, clock, gone.signal, () => shown.set(shown.current));

  async function* watch(caller: Caller, signal: AbortSignal): AsyncGenerator<string> {
    const toSeenText = (text: string) => {
      if (caller.role === "operator") return text;
      const all: Status = JSON.parse(text);
      return JSON.stringify(toSeen(all, caller));
    };
    watchers++;
    try {
      look();
      startSumming();
      let told = shown.current;
      yield toEvent("status", toSeenText(told.status));
      if (told.activity !== "") yield toEvent("activity", told.activity);
      for await (const next of shown.changes(signal)) {
        const changed = [
          next.status === told.status ? "" : toEvent("status", toSeenText(next.status)),
          next.activity === told.activity ? "" : toEvent("activity", next.activity),
        ].join("");
        told = next;
        yield changed === "" ? toEvent("alive", "") : changed;
      }
    } finally {
      watchers--;
    }
  }

  const routes = new Hono();
  routes.get("/live", (context) => {
    const left = new AbortController();
    const signal = AbortSignal.any([left.signal, gone.signal]);
    return streams.open(watch(callerOf(context), signal), { [Symbol.dispose]: () => left.abort() });
  });
  return {
    routes,
    async [Symbol.asyncDispose]() {
      gone.abort();
      await Promise.all([looking, summingUp, breathing, summing]);
    },
  };
}

function toEvent(name: "status" | "activity" | "alive", text: string): string {
  return `event: ${name}\ndata: ${text}\n\n`;
}
