import type { BusEvent, Subscription } from "../core/bus.ts";
import { subjectMatches, type Topic } from "../core/topic.ts";
import { type Live, newLive } from "../lib/live.ts";

/** Events held for a slow ephemeral subscriber. */
const defaultBuffer = 1_024;

type Push = (event: BusEvent) => void;

interface Subscriber extends Pick<Topic<unknown>, "payload"> {
  readonly pattern: string;
  push(event: BusEvent): void;
  close(): void;
}

/** Everybody in this process who listens to ephemeral events. */
export interface Subscribers {
  /** Everybody who listens to a subject. The set is kept and shared: do not change it. */
  on(subject: string): ReadonlySet<Push>;
  /** Everybody who listens on exactly this pattern. */
  of(pattern: string): readonly Subscriber[];
  readonly patterns: Live<ReadonlySet<string>>;
  add(subscriber: Subscriber): () => void;
  closeAll(): void;
}

/** Makes {@linkcode Subscribers} that are none. */
export function newSubscribers(): Subscribers {
  const all = new Set<Subscriber>();
  /** Who hears what, by subject. Thrown away whenever somebody comes or goes; bounded, as subjects hold agent names. */
  let known = new Map<string, ReadonlySet<Push>>();
  const patterns = newLive<ReadonlySet<string>>(new Set());
  const noteChange = () => {
    known = new Map();
    patterns.set(new Set([...all].map(({ pattern }) => pattern)));
  };
  return {
    patterns,
    of: (wanted) => [...all].filter(({ pattern }) => pattern === wanted),
    on(subject) {
      let listeners = known.get(subject);
      if (listeners === undefined) {
        listeners = new Set(
          [...all].filter(({ pattern }) => subjectMatches(pattern, subject)).map(({ push }) => push),
        );
        if (known.size > 10_000) known = new Map();
        known.set(subject, listeners);
      }
      return listeners;
    },
    add(subscriber) {
      all.add(subscriber);
      noteChange();
      return () => {
        all.delete(subscriber);
        noteChange();
      };
    },
    closeAll() {
      for (const { close } of [...all]) close();
    },
  };
}

/** Listens to what fits a pattern. A full buffer drops the oldest, of which `onDrop` is told once in a row. */
export function newSubscription(
  { subject: pattern, payload }: Pick<Topic<unknown>, "subject" | "payload">,
  subscribers: Subscribers,
  options: { readonly signal?: AbortSignal; readonly buffer?: number },
  onDrop: () => void,
): Subscription<unknown> {
  const bound = options.buffer ?? defaultBuffer;
  let waiting: BusEvent[] = [];
  let closed = false;
  let dropping = false;
  let wake = () => {};
  const close = () => {
    if (closed) return;
    closed = true;
    remove();
    options.signal?.removeEventListener("abort", close);
    wake();
  };
  const push = (event: BusEvent) => {
    if (waiting.length >= bound) {
      waiting.shift();
      if (!dropping) onDrop();
      dropping = true;
    }
    waiting.push(event);
    wake();
  };
  const remove = subscribers.add({ pattern, payload, push, close });
  options.signal?.addEventListener("abort", close);
  if (options.signal?.aborted === true) close();

  async function* events(): AsyncGenerator<BusEvent> {
    try {
      while (true) {
        const batch = waiting;
        waiting = [];
        dropping = false;
        yield* batch;
        if (waiting.length > 0) continue;
        if (closed) return;
        await new Promise<void>((resolve) => wake = resolve);
        wake = () => {};
      }
    } finally {
      close();
    }
  }
  return {
    [Symbol.asyncIterator]: events,
    [Symbol.asyncDispose]: () => {
      close();
      return Promise.resolve();
    },
  };
}
