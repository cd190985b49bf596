import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { LlmMessage, LlmRequest } from "../core/llm.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Live } from "../lib/live.ts";
import { addUsage } from "../ledger/usage.ts";
import { type Budgets, costOf, toDay } from "./budget.ts";
import { gather } from "./loop.ts";
import { findPolicy } from "./policy.ts";
import type { Profiles } from "./profile.ts";
import { estimateMessages } from "./tokens.ts";

/** A question of somebody who borrows an agent's model: without its tools, prompt and memory. */
export interface BorrowedQuestion {
  /** Whose model answers, and whose budget pays. */
  readonly agent: string;
  /** Who borrows it, for logs and limits of the provider. */
  readonly borrower: string;
  readonly system: string;
  readonly messages: readonly LlmMessage[];
  readonly maxOutputTokens: number;
  readonly temperature?: number | undefined;
}

/** The answer, and what it used. */
export interface BorrowedAnswer {
  readonly text: string;
  readonly model: string;
  readonly tokens: number;
}

/** What {@linkcode newBorrowedModel} needs. */
export interface BorrowedModelDeps {
  readonly config: Live<Config>;
  readonly ledger: Ledger;
  readonly profiles: Profiles;
  readonly budgets: Budgets;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Asks an agent's model for others. What is used is the agent's, written down before the answer is given. */
export function newBorrowedModel(deps: BorrowedModelDeps) {
  const { config, ledger, profiles, budgets, metrics, clock } = deps;
  /** @throws {AppError} `missing` for an unknown agent, `denied` where its budget is used up; what the model throws. */
  return async function ask(question: BorrowedQuestion, signal: AbortSignal): Promise<BorrowedAnswer> {
    const policy = findPolicy(config.current, "api", question.agent);
    if (policy === undefined) throw new AppError("missing", `There is no agent ${question.agent}`);
    const { route } = await profiles.of(config.current, policy);
    const request: LlmRequest = {
      model: route.model,
      system: question.system === "" ? [] : [{ text: question.system, cache: false }],
      messages: question.messages,
      tools: [],
      toolChoice: "none",
      maxOutputTokens: question.maxOutputTokens,
      ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
      agent: question.agent,
      sessionId: question.borrower,
    };
    using reservation = budgets.reserve(policy.agent, route.price(route.providerId, route.model), {
      inputTokens: estimateMessages(question.messages),
      outputTokens: question.maxOutputTokens,
    });
    const { text, usage, provider, model } = await gather(route.provider.stream(request, signal), true, () => {});
    const costUsd = costOf(route.price(provider, model), usage);
    const tokens = usage.inputTokens + usage.outputTokens;
    reservation.settle({ tokens, costUsd: costUsd ?? 0 });
    metrics.count(
      "nexo_llm_tokens_total",
      { agent: question.agent, provider, model, kind: "input" },
      usage.inputTokens,
    );
    metrics.count(
      "nexo_llm_tokens_total",
      { agent: question.agent, provider, model, kind: "output" },
      usage.outputTokens,
    );
    await ledger.commit([
      addUsage(question.agent, toDay(clock.now()), provider, model, usage, costUsd ?? 0),
    ]);
    return { text, model: `${provider}/${model}`, tokens };
  };
}
