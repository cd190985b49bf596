import type { LlmProvider } from "../core/llm.ts";
import type { Breaker } from "../resilience/breaker.ts";

/** Does not ask while `breaker` is open, and tells it how each call ended. */
export function withBreaker(provider: LlmProvider, breaker: Breaker): LlmProvider {
  return {
    id: provider.id,
    async *stream(request, signal) {
      const pass = breaker.allow();
      try {
        yield* provider.stream(request, signal);
        pass.succeeded();
      } catch (thrown) {
        // Whoever asked may have had less time than the provider needs.
        if (!signal.aborted) pass.failed(thrown);
        throw thrown;
      } finally {
        pass.abandoned();
      }
    },
  };
}
