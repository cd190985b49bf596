import { type Signal, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { get } from "./api.ts";
import type { Activity } from "../src/http/activity_api.ts";
import type { Status } from "../src/http/status_api.ts";

/** How the process stands, told by itself whenever that changes. */
export interface LiveStatus {
  /** Absent until the process has told for the first time. */
  readonly status: Signal<Status | undefined>;
  /** What went on in the last hour. Absent until it was summed up. */
  readonly activity: Signal<Activity | undefined>;
  /** Whether it tells at the moment; the page tries again by itself. */
  readonly connected: Signal<boolean>;
}

/** Begins to listen. Nothing ends it but the page. */
export function openLiveStatus(): LiveStatus {
  const status = signal<Status | undefined>(undefined);
  const activity = signal<Activity | undefined>(undefined);
  const connected = signal(true);
  openStream("/api/live", {
    status: (data) => status.value = JSON.parse(data),
    activity: (data) => activity.value = JSON.parse(data),
    alive() {},
  }, {
    silenceMs: 40_000,
    onConnected: (isConnected) => connected.value = isConnected,
  });
  // A page that is opened in the background listens once it is looked at; until then it shows how things stood.
  if (document.hidden) {
    get<Status>("/api/status").then((now) => status.value ??= now, () => {/* the stream tells it once there is one */});
  }
  return { status, activity, connected };
}

/** What a stream of the process told last, for as long as the page is shown; `undefined` until it has. */
export function useStream<T>(path: string, event: string): T | undefined {
  const [told, setTold] = useState<T>();
  useEffect(() => openStream(path, { [event]: (data) => setTold(JSON.parse(data)) }), [path, event]);
  return told;
}

const retryMs = 3_000;

/**
 * Listens to a stream of the process, and takes it up again whenever it is lost. A page that nobody looks at lets it go:
 * a browser has six connections for all its tabs, and a seventh stream would starve everything else. Gives what ends it.
 */
export function openStream(
  path: string,
  hear: Readonly<Record<string, (data: string) => void>>,
  { silenceMs, onConnected = () => {} }: {
    /** A stream that is silent for longer has died unseen: the machine slept, the process hangs. */
    readonly silenceMs?: number;
    onConnected?(isConnected: boolean): void;
  } = {},
): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let isOver = false;
  let refusals = 0;
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const lose = () => {
    onConnected(false);
    open();
  };
  const watch = () => {
    if (silenceMs === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(lose, silenceMs);
  };
  const open = () => {
    close();
    if (isOver || document.hidden) return;
    const own = new EventSource(path);
    source = own;
    watch();
    own.addEventListener("open", () => {
      refusals = 0;
      onConnected(true);
    });
    for (const [event, take] of Object.entries(hear)) {
      own.addEventListener(event, ({ data }) => {
        watch();
        take(data);
      });
    }
    own.addEventListener("error", () => {
      onConnected(false);
      if (own.readyState !== EventSource.CLOSED) return;
      // An answer that is no stream: the login is over, which asking finds out, or a proxy has nobody behind it.
      clearTimeout(timer);
      const again = (afterMs: number) => {
        if (source === own) timer = setTimeout(open, afterMs);
      };
      get("/api/me").then(() => again(refusals++ === 0 ? 0 : retryMs), () => again(retryMs));
    });
  };
  document.addEventListener("visibilitychange", open);
  open();
  return () => {
    isOver = true;
    document.removeEventListener("visibilitychange", open);
    close();
  };
}
