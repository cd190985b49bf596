import type { LlmChunk, LlmProvider, LlmRequest } from "../../src/core/llm.ts";

/** A provider that a test scripts: each call takes the next script; a string is yielded as text, an error is thrown. */
export interface ScriptedProvider extends LlmProvider {
  readonly requests: readonly LlmRequest[];
}

/** Makes a {@linkcode ScriptedProvider}. A script without an error ends in a finish. */
export function newScriptedProvider(
  id: string,
  ...scripts: readonly (readonly (string | Error)[])[]
): ScriptedProvider {
  const requests: LlmRequest[] = [];
  return {
    id,
    requests,
    async *stream(request): AsyncGenerator<LlmChunk> {
      const script = scripts[requests.length] ?? [];
      requests.push(request);
      for (const piece of script) {
        await Promise.resolve();
        if (piece instanceof Error) throw piece;
        yield { type: "text", text: piece };
      }
      yield {
        type: "finish",
        reason: "stop",
        usage: { inputTokens: 10, outputTokens: 2, cacheReadTokens: 4, cacheWriteTokens: 0 },
        provider: id,
        model: request.model,
      };
    },
  };
}
