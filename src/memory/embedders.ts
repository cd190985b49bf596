import type { EmbedderConfig } from "../config/memory.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Embedder } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import { newBreaker } from "../resilience/breaker.ts";
import { newBucket } from "../resilience/bucket.ts";
import { withCache } from "./cached_embedder.ts";
import { openEmbeddedEmbedder } from "./embedded.ts";
import { withGuards } from "./guarded_embedder.ts";
import { newHttpEmbedder } from "./http_embedder.ts";

/** What {@linkcode openEmbedder} uses. */
export interface EmbedderDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fetch: typeof globalThis.fetch;
  readonly random: () => number;
}

/** Opens the embedder of a config with everything that stands before it; `undefined` for `none`. */
export function openEmbedder(
  config: EmbedderConfig,
  deps: EmbedderDeps,
): (Embedder & AsyncDisposable) | undefined {
  if (config.kind === "none") return undefined;
  const { clock, metrics } = deps;
  const embedder = config.kind === "embedded"
    ? openEmbeddedEmbedder(deps)
    : { ...newHttpEmbedder(config.kind, config, deps), [Symbol.asyncDispose]: () => Promise.resolve() };
  const limit = config.rate_limit;
  const tell = (state: "closed" | "half_open" | "open") =>
    metrics.gauge("nexo_breaker_state", { breaker: "memory.embedder" }, { closed: 0, half_open: 1, open: 2 }[state]);
  tell("closed");
  const guarded = withGuards(embedder, {
    ...deps,
    breaker: newBreaker({ name: `The embedder ${embedder.id}`, clock, onChange: tell }),
    bucket: limit && newBucket({ rps: limit.requests_per_second, burst: limit.burst, clock }),
  });
  return { ...withCache(guarded), [Symbol.asyncDispose]: () => embedder[Symbol.asyncDispose]() };
}
