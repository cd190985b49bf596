import { toAppError } from "../core/error.ts";
import type { LlmProvider } from "../core/llm.ts";
import type { Bucket } from "../resilience/bucket.ts";

/** Waits for a token of `bucket` before each call. */
export function withLimiter(provider: LlmProvider, bucket: Bucket): LlmProvider {
  return {
    id: provider.id,
    async *stream(request, signal) {
      await bucket.take(signal).catch((reason) => {
        throw toAppError(reason);
      });
      yield* provider.stream(request, signal);
    },
  };
}
