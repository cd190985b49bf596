import type { AgentConfig } from "../config/agents.ts";
import type { Clock } from "../core/clock.ts";
import type { Statement } from "../core/ledger.ts";
import type { LlmMessage, LlmRequest, ModelRoute } from "../core/llm.ts";
import type { Metrics } from "../core/metrics.ts";
import { addUsage } from "../ledger/usage.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { type Budgets, costOf, priceOfAny, toDay } from "./budget.ts";
import { gather } from "./gather.ts";
import { estimateMessages, type Tokens, toModelName } from "./tokens.ts";

/** A question to a model that nobody in a chat has asked. */
export interface Question {
  readonly agent: AgentConfig;
  readonly route: ModelRoute;
  /** Empty: none. */
  readonly instructions: string;
  /** One text, or a conversation whose last message is the question. */
  readonly text: string | readonly LlmMessage[];
  /** Tokens. */
  readonly maxOutputTokens: number;
  /** Absent: the provider's default. */
  readonly temperature?: number | undefined;
  readonly sessionId: string;
  /** What the answer is, for messages: `The summary`. */
  readonly what: string;
}

/** What came of a question. */
export interface Asked {
  readonly text: string;
  /** Provider and model that answered: `anthropic/claude-sonnet-4-5`. */
  readonly model: string;
  /** Tokens, in and out. */
  readonly tokens: number;
  /** What it used; belongs into the unit that keeps the answer. */
  readonly used: Statement;
}

/** What {@linkcode askModel} uses. */
export interface AskDeps {
  readonly budgets: Budgets;
  readonly tokens: Tokens;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A text of this kind takes longer than any answer, and nobody waits for it. */
const deadlineMs = 120_000;

/** Asks a model within the agent's budget. @throws {AppError} what budget and model say; `timeout` */
export async function askModel(question: Question, deps: AskDeps, stop: AbortSignal): Promise<Asked> {
  const { agent, route, instructions, text: asked, maxOutputTokens, temperature } = question;
  const request: LlmRequest = {
    model: route.model,
    system: instructions === "" ? [] : [{ text: instructions, cache: true }],
    messages: typeof asked === "string" ? [{ role: "user", content: [{ type: "text", text: asked }] }] : asked,
    tools: [],
    toolChoice: "none",
    maxOutputTokens,
    ...(temperature === undefined ? {} : { temperature }),
    agent: agent.id,
    sessionId: question.sessionId,
  };
  const factor = deps.tokens.factor(toModelName(route.providerId, route.model));
  const estimated = deps.tokens.ofFrame(request) + estimateMessages(request.messages);
  using reservation = deps.budgets.reserve(agent, priceOfAny(route, agent.fallback_models), {
    inputTokens: Math.ceil(estimated * factor),
    outputTokens: maxOutputTokens,
  });
  using deadline = withDeadline(stop, deadlineMs, deps.clock, question.what);
  const { text, usage, provider, model } = await gather(
    route.provider.stream(request, deadline.signal),
    true,
    () => {},
  );
  const costUsd = costOf(route.price(provider, model), usage);
  const tokens = usage.inputTokens + usage.outputTokens;
  reservation.settle({ tokens, costUsd: costUsd ?? 0 });
  deps.tokens.learn(toModelName(provider, model), estimated, usage.inputTokens);
  if (costUsd !== undefined) {
    deps.metrics.count("nexo_llm_cost_usd_total", { agent: agent.id, provider, model }, costUsd);
  }
  return {
    text,
    model: toModelName(provider, model),
    tokens,
    used: addUsage(agent.id, toDay(deps.clock.now()), provider, model, usage, costUsd ?? 0),
  };
}
