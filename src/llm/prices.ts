import type { ProviderConfig } from "../config/llm.ts";
import type { LlmPrice } from "../core/llm.ts";
import { isVendorsOwn, type ProviderKindName } from "./kinds.ts";

/** US dollars a million tokens: prompt, answer, read from cache, written to cache. */
type Row = readonly [input: number, output: number, cacheRead: number, cacheWrite: number];

/**
 * List prices of well-known models at their vendors' own addresses, as published up to June 2026, without long-context
 * surcharges. `prices` in llm.yaml wins; a model that stands in neither has no known price.
 */
const listPrices: Readonly<Record<ProviderKindName, Readonly<Record<string, Row>>>> = {
  anthropic: {
    "claude-opus-4-6": [5, 25, 0.5, 6.25],
    "claude-opus-4-5": [5, 25, 0.5, 6.25],
    "claude-opus-4-1": [15, 75, 1.5, 18.75],
    "claude-sonnet-4-6": [3, 15, 0.3, 3.75],
    "claude-sonnet-4-5": [3, 15, 0.3, 3.75],
    "claude-haiku-4-5": [1, 5, 0.1, 1.25],
  },
  openai_compatible: {
    "gpt-5": [1.25, 10, 0.125, 1.25],
    "gpt-5-mini": [0.25, 2, 0.025, 0.25],
    "gpt-4.1": [2, 8, 0.5, 2],
    "gpt-4.1-mini": [0.4, 1.6, 0.1, 0.4],
    "gpt-4o": [2.5, 10, 1.25, 2.5],
    "gpt-4o-mini": [0.15, 0.6, 0.075, 0.15],
  },
  gemini: {
    "gemini-2.5-pro": [1.25, 10, 0.31, 1.25],
    "gemini-2.5-flash": [0.3, 2.5, 0.075, 0.3],
    "gemini-2.5-flash-lite": [0.1, 0.4, 0.025, 0.1],
  },
  minimax: {
    "MiniMax-M2.7": [0.3, 1.2, 0.06, 0.375],
    "MiniMax-M2.5": [0.3, 1.2, 0.03, 0.375],
    "MiniMax-M2.1": [0.3, 1.2, 0.03, 0.375],
    "MiniMax-M2": [0.3, 1.2, 0.03, 0.375],
  },
  deepseek: {
    "deepseek-v4-flash": [0.14, 0.28, 0.0028, 0.14],
    "deepseek-v4-pro": [0.435, 0.87, 0.003625, 0.435],
  },
};

/** What nobody is charged for. */
export const freePrice: LlmPrice = toPrice([0, 0, 0, 0]);

/** The price of `model`, or `undefined` where it is unknown. */
export function priceOf(kind: ProviderKindName, config: ProviderConfig, model: string): LlmPrice | undefined {
  const set = config.prices[model];
  if (set !== undefined) {
    return toPrice([set.input, set.output, set.cache_read ?? set.input, set.cache_write ?? set.input]);
  }
  // Another address is another vendor, who asks another price.
  if (!isVendorsOwn(kind, config)) return undefined;
  // Vendors append the date of a snapshot, which does not change its price: claude-sonnet-4-5-20250929.
  const row = listPrices[kind][model.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, "")];
  return row === undefined ? undefined : toPrice(row);
}

function toPrice([input, output, cacheRead, cacheWrite]: Row): LlmPrice {
  return {
    inputPerMillion: input,
    outputPerMillion: output,
    cacheReadPerMillion: cacheRead,
    cacheWritePerMillion: cacheWrite,
  };
}
