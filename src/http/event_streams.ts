import type { Clock } from "../core/clock.ts";
import { every } from "./every.ts";

/** Proxies give up on a silent answer after 30 s or more. */
const keepAliveMs = 15_000;

/** The answers that stream as server-sent events, which share one keep-alive. */
export interface EventStreams extends AsyncDisposable {
  /** Answers with `chunks` as they come. When the client leaves, `source` is disposed, which must end `chunks`. */
  open(chunks: AsyncIterable<string>, source: Disposable): Response;
  /** Fires when the room closes: chunks that have no end of their own must end with it. */
  readonly gone: AbortSignal;
}

/** Opens the keep-alive of all streams; each stream lives as long as its chunks. */
export function openEventStreams(clock: Clock): EventStreams {
  const gone = new AbortController();
  const encoder = new TextEncoder();
  const live = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const keptAlive = every(keepAliveMs, clock, gone.signal, () => {
    for (const controller of live) {
      if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": keep-alive\n\n"));
    }
  });

  return {
    gone: gone.signal,
    open(chunks, source) {
      const iterator = chunks[Symbol.asyncIterator]();
      let own: ReadableStreamDefaultController<Uint8Array> | undefined;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          own = controller;
          live.add(controller);
        },
        async pull(controller) {
          const next = await iterator.next();
          if (!live.has(controller)) return;
          if (next.done !== true) return controller.enqueue(encoder.encode(next.value));
          live.delete(controller);
          source[Symbol.dispose]();
          controller.close();
        },
        cancel() {
          if (own !== undefined) live.delete(own);
          source[Symbol.dispose]();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await keptAlive;
    },
  };
}
