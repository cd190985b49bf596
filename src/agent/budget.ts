import type { AgentConfig } from "../config/agents.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { LedgerReader } from "../core/ledger.ts";
import type { LlmPrice, LlmUsage, ModelRoute } from "../core/llm.ts";
import type { Metrics } from "../core/metrics.ts";
import { readUsage, type UsageTotal } from "../ledger/usage.ts";

/** Watches what agents spend. */
export interface Budgets {
  /**
   * Holds back `estimate` until it is settled, so that calls in flight count too. A call may start while anything of the
   * budget is left: it can be overdrawn by the last call, never by a crowd of them.
   *
   * @throws {AppError} `denied` with reason `budget_<period>_<unit>` or `price_unknown`.
   */
  reserve(agent: AgentConfig, price: LlmPrice | undefined, estimate: TokenEstimate): Reservation;
}

/** What a call will probably use. */
export interface TokenEstimate {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What one call holds back. */
export interface Reservation extends Disposable {
  /** Replaces the estimate by what was used. */
  settle(used: UsageTotal): void;
}

interface Account {
  day: string;
  today: { tokens: number; costUsd: number };
  month: { tokens: number; costUsd: number };
  reserved: { tokens: number; costUsd: number };
}

/** Money of one call, or `undefined` where the price is not known. */
export function costOf(price: LlmPrice | undefined, usage: LlmUsage): number | undefined {
  if (price === undefined) return undefined;
  const plain = Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens);
  return (plain * price.inputPerMillion + usage.cacheReadTokens * price.cacheReadPerMillion +
    usage.cacheWriteTokens * price.cacheWritePerMillion + usage.outputTokens * price.outputPerMillion) / 1_000_000;
}

/** UTC day of a moment, `YYYY-MM-DD`. */
export function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Makes {@linkcode Budgets} that begin with what the ledger knows. */
export function newBudgets(
  { read, clock, metrics }: { readonly read: LedgerReader; readonly clock: Clock; readonly metrics: Metrics },
): Budgets {
  const accounts = new Map<string, Account>();

  const accountOf = (agent: string): Account => {
    const day = toDay(clock.now());
    const known = accounts.get(agent);
    if (known?.day === day) return known;
    const account: Account = {
      day,
      today: { ...readUsage(read, agent, day, day) },
      month: { ...readUsage(read, agent, `${day.slice(0, 7)}-01`, day) },
      reserved: known?.reserved ?? { tokens: 0, costUsd: 0 },
    };
    accounts.set(agent, account);
    return account;
  };

  return {
    reserve(agent, price, estimate) {
      const budget = agent.budget;
      const account = accountOf(agent.id);
      if (budget !== undefined) check(agent.id, budget, account, price, metrics);
      const held = {
        tokens: estimate.inputTokens + estimate.outputTokens,
        costUsd: costOf(price, { ...estimate, cacheReadTokens: 0, cacheWriteTokens: 0 }) ?? 0,
      };
      account.reserved.tokens += held.tokens;
      account.reserved.costUsd += held.costUsd;
      let open = true;
      const release = () => {
        if (!open) return false;
        open = false;
        account.reserved.tokens -= held.tokens;
        account.reserved.costUsd -= held.costUsd;
        return true;
      };
      return {
        settle(used) {
          if (!release()) return;
          const current = accountOf(agent.id);
          for (const total of [current.today, current.month]) {
            total.tokens += used.tokens;
            total.costUsd += used.costUsd;
          }
        },
        [Symbol.dispose]: release,
      };
    },
  };
}

function check(
  agent: string,
  budget: NonNullable<AgentConfig["budget"]>,
  account: Account,
  price: LlmPrice | undefined,
  metrics: Metrics,
): void {
  const hasMoney = budget.daily_usd !== undefined || budget.monthly_usd !== undefined;
  const refuse = (reason: string, message: string): never => {
    metrics.count("nexo_refusals_total", { part: "budget", reason });
    throw new AppError("denied", message, { reason });
  };
  if (hasMoney && price === undefined) {
    refuse(
      "price_unknown",
      `Agent ${agent} has a budget in money, and the price of its model is not known. Add it to prices in llm.yaml`,
    );
  }
  const limits = [
    { period: "day", unit: "usd", limit: budget.daily_usd, used: account.today.costUsd },
    { period: "month", unit: "usd", limit: budget.monthly_usd, used: account.month.costUsd },
    { period: "day", unit: "tokens", limit: budget.daily_tokens, used: account.today.tokens },
    { period: "month", unit: "tokens", limit: budget.monthly_tokens, used: account.month.tokens },
  ] as const;
  for (const { period, unit, limit, used } of limits) {
    if (limit === undefined) continue;
    metrics.gauge("nexo_budget_used_ratio", { agent, period, unit }, used / limit);
    const reserved = unit === "usd" ? account.reserved.costUsd : account.reserved.tokens;
    if (used + reserved < limit) continue;
    refuse(
      `budget_${period}_${unit}`,
      `Agent ${agent} has used up its budget of ${limit} ${unit} a ${period}. Raise budget in agents.yaml, or wait`,
    );
  }
}

/** Price of a call, or `undefined` where one of the models that may answer it has none. */
export function priceOfAny(route: ModelRoute, fallbacks: AgentConfig["fallback_models"]): LlmPrice | undefined {
  const isKnown = fallbacks.every(({ provider, model }) => route.price(provider, model) !== undefined);
  return isKnown ? route.price(route.providerId, route.model) : undefined;
}
