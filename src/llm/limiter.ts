import type { Clock } from "../core/clock.ts";
import type { LlmProvider } from "../core/llm.ts";
import { toAbortError } from "../resilience/abort.ts";
import type { Bucket } from "../resilience/bucket.ts";

/** Waits for a token of `bucket` before each call. */
export function withLimiter(provider: LlmProvider, bucket: Bucket, clock: Clock): LlmProvider {
  return {
    id: provider.id,
    async *stream(request, signal) {
      const startedMs = clock.monotonic();
      await bucket.take(signal).catch((reason) => {
        throw toAbortError(reason);
      });
      const waitedMs = Math.round(clock.monotonic() - startedMs);
      if (waitedMs > 0) request.onSetback?.({ type: "limited", provider: provider.id, waitedMs });
      yield* provider.stream(request, signal);
    },
  };
}
