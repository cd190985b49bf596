import type { LlmConfig, ProviderConfig } from "../config/llm.ts";
import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";
import { type Breaker, type BreakerState, newBreaker } from "../resilience/breaker.ts";
import { type Bucket, newBucket } from "../resilience/bucket.ts";
import { baseUrlOf, isConfigured, kindOf } from "./kinds.ts";

/** What guards one (provider, address, key). */
export interface Gate {
  readonly breaker: Breaker;
  /** Absent: no limit of our own. */
  readonly bucket: Bucket | undefined;
}

/** The gates of all providers. They outlive a config, so that a reload neither closes a breaker nor refills a bucket. */
export interface Gates {
  /** Gates of the providers of `config` that have a key, by provider. What no longer stands in it is forgotten. */
  at(config: LlmConfig): ReadonlyMap<string, Gate>;
}

const stateNumbers: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

/** Makes {@linkcode Gates} without any. */
export function newGates({ clock, metrics }: { readonly clock: Clock; readonly metrics: Metrics }): Gates {
  let breakers = new Map<string, Breaker>();
  let buckets = new Map<string, Bucket>();

  const newLlmBreaker = (id: string) => {
    const name = `llm.${id}`;
    const tell = (state: BreakerState) => metrics.gauge("nexo_breaker_state", { breaker: name }, stateNumbers[state]);
    tell("closed");
    return newBreaker({ name: `Provider ${id}`, clock, onChange: tell });
  };

  return {
    at(config) {
      const keptBreakers = new Map<string, Breaker>();
      const keptBuckets = new Map<string, Bucket>();
      const gates = new Map<string, Gate>();
      for (const [id, provider] of Object.entries(config.providers)) {
        const identity = toIdentity(id, provider);
        if (identity === undefined) continue;
        const breaker = breakers.get(identity) ?? newLlmBreaker(id);
        keptBreakers.set(identity, breaker);
        const limit = provider.rate_limit;
        if (limit === undefined) {
          gates.set(id, { breaker, bucket: undefined });
          continue;
        }
        const { requests_per_second: rps, burst } = limit;
        const bucketIdentity = JSON.stringify([identity, rps, burst]);
        const bucket = buckets.get(bucketIdentity) ?? newBucket({ rps, burst, clock });
        keptBuckets.set(bucketIdentity, bucket);
        gates.set(id, { breaker, bucket });
      }
      breakers = keptBreakers;
      buckets = keptBuckets;
      return gates;
    },
  };
}

function toIdentity(id: string, config: ProviderConfig): string | undefined {
  const kind = kindOf(id, config);
  if (kind === undefined || !isConfigured(config)) return undefined;
  return JSON.stringify([id, baseUrlOf(kind, config), config.api_key?.reveal()]);
}
