import type { Clock } from "../core/clock.ts";
import { type ErrorKind, toAppError } from "../core/error.ts";
import type { LlmChunk, LlmProvider, LlmRequest } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";

/** What {@linkcode withMetrics} uses. */
export interface MeasureDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Counts calls, time and tokens, and logs each call once: `llm.called` or `llm.failed`. */
export function withMetrics(provider: LlmProvider, { clock, metrics, log }: MeasureDeps): LlmProvider {
  const { id } = provider;

  const countTokens = (request: LlmRequest, { usage }: Extract<LlmChunk, { type: "finish" }>) => {
    const labels = { agent: request.agent, provider: id, model: request.model };
    const tokens = {
      input: usage.inputTokens,
      output: usage.outputTokens,
      cache_read: usage.cacheReadTokens,
      cache_write: usage.cacheWriteTokens,
    };
    for (const [kind, count] of Object.entries(tokens)) {
      if (count > 0) metrics.count("nexo_llm_tokens_total", { ...labels, kind }, count);
    }
  };

  return {
    id,
    async *stream(request, signal) {
      const { agent, model, turnId: turn } = request;
      const startedAt = clock.monotonic();
      const tookMs = () => Math.round(clock.monotonic() - startedAt);
      let firstMs: number | undefined;
      let counted = false;
      const countCall = (result: "ok" | ErrorKind) => {
        counted = true;
        metrics.count("nexo_llm_requests_total", { provider: id, model, result });
      };
      try {
        for await (const chunk of provider.stream(request, signal)) {
          if (firstMs === undefined) {
            firstMs = tookMs();
            metrics.observe("nexo_llm_seconds", { provider: id, model, stage: "first" }, firstMs / 1_000);
          }
          if (chunk.type === "finish") {
            countCall("ok");
            metrics.observe("nexo_llm_seconds", { provider: id, model, stage: "total" }, tookMs() / 1_000);
            countTokens(request, chunk);
            const { inputTokens, outputTokens } = chunk.usage;
            log.debug("llm.called", {
              provider: id,
              model,
              agent,
              turn,
              tookMs: tookMs(),
              firstMs,
              inputTokens,
              outputTokens,
            });
          }
          yield chunk;
        }
      } catch (thrown) {
        const error = toAppError(thrown);
        if (!counted) countCall(error.kind);
        const fields = { provider: id, model, agent, turn, tookMs: tookMs(), kind: error.kind, reason: error.reason };
        if (error.kind === "cancelled") log.debug("llm.failed", fields);
        else log.warn("llm.failed", { ...fields, error: error.message });
        throw error;
      } finally {
        if (!counted) countCall("cancelled"); // the reader left
      }
    },
  };
}
