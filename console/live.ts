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
  const source = new EventSource("/api/live");
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
  return { status, activity, connected };
}

/** What a stream of the process told last, for as long as the page is shown; `undefined` until it has. */
export function useStream<T>(path: string, event: string): T | undefined {
  const [told, setTold] = useState<T>();
  useEffect(() => {
    const source = new EventSource(path);
    source.addEventListener(event, ({ data }) => setTold(JSON.parse(data)));
    return () => source.close();
  }, [path, event]);
  return told;
}
