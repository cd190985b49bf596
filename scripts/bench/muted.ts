import type { Log } from "../../src/core/log.ts";
import type { Metrics } from "../../src/core/metrics.ts";

/** A log that says nothing. */
export const mutedLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => mutedLog,
};

/** Metrics that nobody reads. */
export const mutedMetrics: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };
