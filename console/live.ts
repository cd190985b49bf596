import { type Signal, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { goToLogin } from "./api.ts";
import type { Activity } from "../src/http/activity_api.ts";
import type { Status } from "../src/http/status_api.ts";

/** How the process stands, told by itself whenever that changes. */
export interface LiveStatus {
  /** Absent until the process has told for the first time. */
  readonly status: Signal<Status | undefined>;
  /** What went on in the last hour. Absent until it was summed up. */
  readonly activity: Signal<Activity | undefined>;
  /** Whether it tells at the moment; the browser tries again by itself. */
  readonly connected: Signal<boolean>;
}

/** Begins to listen. Nothing ends it but the page. */
export function openLiveStatus(): LiveStatus {
  const status = signal<Status | undefined>(undefined);
  const activity = signal<Activity | undefined>(undefined);
  const connected = signal(true);
  listenWhileSeen("/api/live", (source) => {
    source.addEventListener("status", ({ data }) => {
      connected.value = true;
      status.value = JSON.parse(data);
    });
    source.addEventListener("activity", ({ data }) => activity.value = JSON.parse(data));
    source.addEventListener("error", () => {
      connected.value = false;
      // An answer that is no stream ends it for good: the session is over.
      if (source.readyState === EventSource.CLOSED) goToLogin();
    });
  });
  return { status, activity, connected };
}

/** What a stream of the process told last, for as long as the page is shown; `undefined` until it has. */
export function useStream<T>(path: string, event: string): T | undefined {
  const [told, setTold] = useState<T>();
  useEffect(
    () => listenWhileSeen(path, (source) => source.addEventListener(event, ({ data }) => setTold(JSON.parse(data)))),
    [path, event],
  );
  return told;
}

/**
 * Listens to a stream while the page is before somebody's eyes. A browser opens six connections to one place for all of
 * its tabs, so that tabs in the background which each hold some would leave none for the next page. Gives back what ends it.
 *
 * @param mayPause Whether what is shown may begin again when the page is looked at again.
 */
export function listenWhileSeen(
  path: string,
  listen: (source: EventSource) => void,
  mayPause: () => boolean = () => true,
): () => void {
  let source: EventSource | undefined;
  const look = () => {
    if (document.hidden) {
      if (source !== undefined && !mayPause()) return;
      source?.close();
      source = undefined;
    } else if (source === undefined) {
      source = new EventSource(path);
      listen(source);
    }
  };
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    document.removeEventListener("visibilitychange", look);
    source?.close();
  };
}
