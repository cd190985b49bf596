import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Embedder } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import { toAbortError } from "../resilience/abort.ts";
import type { Breaker } from "../resilience/breaker.ts";
import type { Bucket } from "../resilience/bucket.ts";
import { retry, type RetryPolicy } from "../resilience/retry.ts";
import { toUnit } from "./vector.ts";

/** What {@linkcode withGuards} puts around an embedder. */
export interface Guards {
  readonly breaker: Breaker;
  /** Absent: no limit of our own. */
  readonly bucket: Bucket | undefined;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Source of jitter, from 0 to below 1. */
  readonly random: () => number;
}

const policy: RetryPolicy = {
  rateLimitedAttempts: 5,
  failedAttempts: 3,
  initialBackoffMs: 500,
  maxBackoffMs: 30_000,
};

/** Limits, breaks and retries the calls of an embedder as those of models are, and lets only unit vectors of one length out. */
export function withGuards(embedder: Embedder, { breaker, bucket, clock, metrics, random }: Guards): Embedder {
  const { id } = embedder;
  const attempt = async (texts: readonly string[], purpose: "fact" | "question", signal: AbortSignal) => {
    await bucket?.take(signal).catch((reason) => {
      throw toAbortError(reason);
    });
    const pass = breaker.allow();
    try {
      const vectors = (await embedder.embed(texts, purpose, signal)).map((vector) => toUnit(vector, id));
      pass.succeeded();
      return vectors;
    } catch (thrown) {
      // Whoever asked may have had less time than the embedder needs.
      if (!signal.aborted) pass.failed(thrown);
      throw thrown;
    } finally {
      pass.abandoned();
    }
  };
  return {
    id,
    async embed(texts, purpose, signal) {
      try {
        const vectors = await retry(() => attempt(texts, purpose, signal), policy, { clock, signal, random });
        const length = vectors[0]?.length;
        const other = vectors.find((vector) => vector.length !== length);
        if (other !== undefined) {
          throw new AppError("invalid", `The embedder ${id} made vectors of ${length} and of ${other.length} numbers`, {
            reason: "wrong_dimension",
          });
        }
        metrics.count("nexo_embeddings_total", { embedder: id, result: "ok" }, texts.length);
        return vectors;
      } catch (thrown) {
        const error = toAppError(thrown);
        metrics.count("nexo_embeddings_total", { embedder: id, result: error.kind }, texts.length);
        throw error;
      }
    },
  };
}
