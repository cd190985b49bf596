import type { Clock } from "../core/clock.ts";
import type { ScrapedMetrics } from "./metrics.ts";

/** Often enough to catch a stall of a second, seldom enough to cost nothing while idle. */
const samplePeriodMs = 500;

/** What {@linkcode openProcessMetrics} needs. */
export interface ProcessMetricsDeps {
  readonly metrics: ScrapedMetrics;
  readonly clock: Clock;
  /** Of this program. */
  readonly version: string;
}

/** Keeps the metrics of the process itself: what runs, event-loop lag by sampling, resident memory when asked for. */
export function openProcessMetrics({ metrics, clock, version }: ProcessMetricsDeps): AsyncDisposable {
  metrics.gauge("nexo_build_info", { version, deno: Deno.version.deno }, 1);
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
