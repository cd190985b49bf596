import type { LedgerReader, Statement } from "../core/ledger.ts";
import type { LlmUsage } from "../core/llm.ts";

/** What an agent used in some time. */
export interface UsageTotal {
  readonly tokens: number;
  readonly costUsd: number;
}

/** Adds one model call to the agent's day. `day` is `YYYY-MM-DD`, UTC. */
export function addUsage(
  agent: string,
  day: string,
  provider: string,
  model: string,
  usage: LlmUsage,
  costUsd: number,
): Statement {
  return {
    sql: `INSERT INTO usage VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET calls = calls + 1, input_tokens = input_tokens + excluded.input_tokens,
        output_tokens = output_tokens + excluded.output_tokens,
        cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, cost_usd = cost_usd + excluded.cost_usd`,
    values: [
      agent,
      day,
      provider,
      model,
      usage.inputTokens,
      usage.outputTokens,
      usage.cacheReadTokens,
      usage.cacheWriteTokens,
      costUsd,
    ],
  };
}

/** What an agent used on the days from `firstDay` to `lastDay`, both `YYYY-MM-DD` and included. */
export function readUsage(read: LedgerReader, agent: string, firstDay: string, lastDay: string): UsageTotal {
  const row = read.get(
    `SELECT total(input_tokens + output_tokens) AS tokens, total(cost_usd) AS cost FROM usage
      WHERE agent = ? AND day BETWEEN ? AND ?`,
    agent,
    firstDay,
    lastDay,
  );
  return { tokens: Number(row?.tokens ?? 0), costUsd: Number(row?.cost ?? 0) };
}
