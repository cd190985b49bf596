import type { Config } from "../config/config.ts";
import { AppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { LlmMessage } from "../core/llm.ts";
import type { Live } from "../lib/live.ts";
import { type AskDeps, askModel } from "./ask.ts";
import { findPolicy } from "./policy.ts";
import type { Profiles } from "./profile.ts";

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
export interface BorrowedModelDeps extends AskDeps {
  readonly config: Live<Config>;
  readonly ledger: Ledger;
  readonly profiles: Profiles;
}

/** Asks an agent's model for others. What is used is the agent's, written down before the answer is given. */
export function newBorrowedModel(deps: BorrowedModelDeps) {
  const { config, ledger, profiles } = deps;
  /** @throws {AppError} `missing` for an unknown agent, `denied` where its budget is used up; what the model throws. */
  return async function ask(question: BorrowedQuestion, signal: AbortSignal): Promise<BorrowedAnswer> {
    const policy = findPolicy(config.current, "api", question.agent);
    if (policy === undefined) throw new AppError("missing", `There is no agent ${question.agent}`);
    const { route } = await profiles.of(config.current, policy);
    const { used, ...answer } = await askModel(
      {
        agent: policy.agent,
        route,
        instructions: question.system,
        text: question.messages,
        maxOutputTokens: question.maxOutputTokens,
        temperature: question.temperature,
        sessionId: question.borrower,
        what: "The answer",
      },
      deps,
      signal,
    );
    await ledger.commit([used]);
    return answer;
  };
}
