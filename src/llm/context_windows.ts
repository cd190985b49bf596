import type { ProviderConfig } from "../config/llm.ts";
import type { ProviderKindName } from "./kinds.ts";

/**
 * Context windows of well-known models in tokens, by the beginning of their names, as their vendors published them up to
 * June 2026 and without windows that must be asked for. `context_windows` in llm.yaml wins.
 */
const knownWindows: Readonly<Record<ProviderKindName, readonly (readonly [prefix: string, tokens: number])[]>> = {
  anthropic: [["claude-", 200_000]],
  openai_compatible: [["gpt-5", 272_000], ["gpt-4.1", 1_000_000], ["gpt-4o", 128_000]],
  gemini: [["gemini-", 1_000_000]],
  minimax: [["MiniMax-", 200_000]],
  deepseek: [["deepseek-", 128_000]],
};

/** What a model is trusted with of which nothing is known, tokens. */
export const unknownWindow = 32_000;

/** How many tokens a request to `model` may have, its answer included. */
export function contextWindowOf(kind: ProviderKindName, config: ProviderConfig, model: string): number {
  const set = config.context_windows[model];
  if (set !== undefined) return set;
  return knownWindows[kind].find(([prefix]) => model.startsWith(prefix))?.[1] ?? unknownWindow;
}
