import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { LlmProvider } from "../core/llm.ts";
import type { Metrics } from "../core/metrics.ts";
import { toAbortError } from "../resilience/abort.ts";
import { type RetryPolicy, retryWaitMs } from "../resilience/retry.ts";

/** What {@linkcode withRetry} uses. */
export interface RetryDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Source of jitter, from 0 to below 1. */
  readonly random: () => number;
}

/**
 * Asks again as `policy` says, but only as long as no chunk has been handed on: what the user may have read cannot be
 * taken back here.
 */
export function withRetry(
  provider: LlmProvider,
  policy: RetryPolicy,
  { clock, metrics, random }: RetryDeps,
): LlmProvider {
  return {
    id: provider.id,
    async *stream(request, signal) {
      for (let attempt = 1;; attempt++) {
        let yielded = false;
        try {
          for await (const chunk of provider.stream(request, signal)) {
            yielded = true;
            yield chunk;
          }
          return;
        } catch (thrown) {
          const error = toAppError(thrown);
          if (yielded || signal.aborted) throw error;
          const waitMs = retryWaitMs(policy, attempt, error, random());
          if (waitMs === undefined) throw error;
          const { kind, message } = error;
          const { model } = request;
          request.onSetback?.({ type: "failed", provider: provider.id, model, kind, message, next: "again", waitMs });
          metrics.count("nexo_llm_retries_total", { provider: provider.id, kind });
          await clock.wait(waitMs, signal).catch((reason) => {
            throw toAbortError(reason);
          });
        }
      }
    },
  };
}
