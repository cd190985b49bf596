import type { LlmProvider } from "../core/llm.ts";
import { toAbortError } from "../resilience/abort.ts";
import type { Bucket } from "../resilience/bucket.ts";

/** Waits for a token of `bucket` before each call. */
export function withLimiter(provider: LlmProvider, bucket: Bucket): LlmProvider {
  return {
    id: provider.id,
    async *stream(request, signal) {
      await bucket.take(signal).catch((reason) => {
        throw toAbortError(reason);
      });
      yield* provider.stream(request, signal);
    },
  };
}
