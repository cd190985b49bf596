import type { Clock } from "../core/clock.ts";
import type { ScrapedMetrics } from "./metrics.ts";

/** Often enough to catch a stall of a second, seldom enough to cost nothing while idle. */
const samplePeriodMs = 500;

/** Keeps the metrics of the process itself: event-loop lag by sampling, resident memory when it is asked for. */
export function openProcessMetrics(deps: { readonly metrics: ScrapedMetrics; readonly clock: Clock }): AsyncDisposable {
  const { metrics, clock } = deps;
  const stop = new AbortController();
  const memory = metrics.onScrape(() => {
    metrics.gauge("nexo_process_resident_memory_bytes", {}, Deno.memoryUsage().rss);
  });
  const sampling = sampleLag(metrics, clock, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      memory[Symbol.dispose]();
      stop.abort();
      await sampling;
    },
  };
}

async function sampleLag(metrics: ScrapedMetrics, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const dueAt = clock.monotonic() + samplePeriodMs;
    try {
      await clock.wait(samplePeriodMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    metrics.observe("nexo_event_loop_lag_seconds", {}, Math.max(0, clock.monotonic() - dueAt) / 1_000);
  }
}
