import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Statement } from "../core/ledger.ts";
import type { LlmMessage, LlmRequest, LlmSystemBlock, LlmToolCall } from "../core/llm.ts";
import type { ModelCall } from "../core/model_call.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Tracer } from "../core/trace.ts";
import type { TranscriptEntry } from "../core/transcript.ts";
import {
  type ModelOutput,
  recordFailedModelStep,
  recordInboundStep,
  recordModelStep,
  type Step,
} from "../ledger/turns.ts";
import { addUsage } from "../ledger/usage.ts";
import { type Budgets, costOf, priceOfAny, toDay } from "./budget.ts";
import { gather } from "./gather.ts";
import { type Invoker, newEndlessError } from "./invoke.ts";
import { type KnownCalls, replay, type Run, toAssistantMessage, toCall } from "./replay.ts";
import { callTools, type ToolCallInput } from "./tool_calls.ts";
import { estimateMessages, type Tokens, toModelName } from "./tokens.ts";
import { fitMessages, type WindowBounds } from "./window.ts";

/** What {@linkcode runLoop} needs of the room. */
export interface LoopDeps {
  readonly invoker: Invoker;
  readonly budgets: Budgets;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly tokens: Tokens;
}

/** The question, and everything around it. */
export interface LoopInput extends ToolCallInput {
  readonly system: readonly LlmSystemBlock[];
  /** What was said before, and last what is asked now. */
  readonly messages: readonly LlmMessage[];
  /** Journal of the turn before the process died, oldest first. */
  readonly steps: readonly Step[];
  /** The question holds text of strangers. */
  readonly tainted: boolean;
  /** What the model may be shown of the messages, so that they fit. */
  readonly bounds: WindowBounds;
  /** Keeps a statement for the unit that ends the turn, should it fail. */
  keep(statement: Statement): void;
  /** Messages that came in meanwhile and are to join, with the statements that bind them to the turn. */
  absorb(): readonly { readonly entry: TranscriptEntry; readonly message: LlmMessage; readonly claim: Statement }[];
}

/** The answer. */
export interface LoopResult {
  readonly text: string;
  /** What is to be appended to the transcript after the question. */
  readonly entries: readonly TranscriptEntry[];
  /** The last model call and what it used, for the unit that ends the turn. */
  readonly statements: readonly Statement[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** `undefined` where a price is not known. */
  readonly costUsd: number | undefined;
  readonly provider: string;
  readonly model: string;
  readonly modelMs: number;
  readonly toolsMs: number;
}

/** How often a stream that broke is asked again after text had come. */
const restartBound = 2;
/** Most setbacks of one model call that the journal keeps. */
const setbackBound = 50;
const assumedOutputTokens = 1_000;

/**
 * Asks the model until it answers without calling a tool, or until the agent's limit: then it must answer in words.
 * Each answer with calls is journaled before its tools run, each result before the model sees it.
 *
 * @throws {AppError} what the model, the budget or the ledger says; the signal's reason.
 */
export async function runLoop(input: LoopInput, deps: LoopDeps): Promise<LoopResult> {
  const { agent, profile, context, signal, emit } = input;
  const { clock } = deps;
  const run = replay(input.messages, input.steps);
  let tainted = input.tainted || run.tainted;
  let modelMs = 0;
  let toolsMs = 0;
  const base = { agent: agent.id, sessionId: context.sessionId, turnId: context.turnId };

  const runTools = async (calls: readonly LlmToolCall[], known: KnownCalls, first: readonly Statement[]) => {
    const startedMs = clock.monotonic();
    const outcomes = await callTools(calls, known, first, { input, deps, run, tainted: () => tainted });
    for (const outcome of outcomes) if (outcome.untrusted) tainted = true;
    const results = outcomes.map(({ result }) => result);
    run.messages.push({ role: "tool", results });
    run.entries.push({
      role: "tool",
      results: results.map((result) => ({ ...result, content: [...result.content] })),
      ...(outcomes.some((outcome) => outcome.untrusted) ? { untrusted: true } : {}),
    });
    toolsMs += clock.monotonic() - startedMs;
  };

  if (run.open !== undefined) await runTools(run.open.calls, run.open.known, []);
  while (true) {
    signal.throwIfAborted();
    if (await joinArrivals(input, run, clock)) tainted = true;
    const last = run.calls + 1 >= agent.config.max_model_calls;
    const startedMs = clock.monotonic();
    const startedAt = clock.now();
    const answer = await askModel(last, { input, deps, run });
    modelMs += clock.monotonic() - startedMs;
    const { output } = answer;
    run.calls++;
    run.inputTokens += output.usage.inputTokens;
    run.outputTokens += output.usage.outputTokens;
    run.costUsd = run.costUsd === undefined || output.costUsd === undefined ? undefined : run.costUsd + output.costUsd;
    const day = toDay(clock.now());
    const statements = [
      recordModelStep(context.turnId, run.seq++, output, answer.call, startedAt, clock.now()),
      addUsage(agent.id, day, output.provider, output.model, output.usage, output.costUsd ?? 0),
    ];
    run.messages.push(toAssistantMessage(output));
    run.entries.push({ role: "assistant", ...toAssistantEntry(output) });
    if (output.text.trim() !== "") run.texts.push(output.text);
    if (output.toolCalls.length === 0) {
      const text = run.texts.join("\n\n");
      if (text === "") {
        await input.journal(statements);
        throw last
          ? newEndlessError(agent.config.max_model_calls)
          : new AppError("unavailable", "The model gave an empty answer", { reason: "empty_answer" });
      }
      const { entries, inputTokens, outputTokens, costUsd } = run;
      const { provider, model } = output;
      return { text, entries, statements, inputTokens, outputTokens, costUsd, provider, model, modelMs, toolsMs };
    }
    await runTools(output.toolCalls.map(toCall), new Map(), statements);
  }

  function toAssistantEntry(output: ModelOutput) {
    return {
      text: output.text,
      toolCalls: [...output.toolCalls],
      ...(output.providerState === undefined ? {} : { providerState: output.providerState }),
    };
  }

  async function askModel(
    last: boolean,
    scope: Scope,
  ): Promise<{ readonly output: ModelOutput; readonly call: ModelCall }> {
    const shown = fitMessages(run.messages, input.bounds);
    const setbacks: ModelCall["setbacks"] = [];
    const beganAt = clock.now();
    const beganMs = clock.monotonic();
    let firstMs: number | undefined;
    const request: LlmRequest = {
      model: profile.route.model,
      system: input.system,
      messages: last ? [...shown, ...lastCallNote(run.calls)] : shown,
      tools: profile.shownTools(run.messages),
      toolChoice: last ? "none" : "auto",
      ...(agent.config.max_output_tokens === undefined ? {} : { maxOutputTokens: agent.config.max_output_tokens }),
      ...(agent.config.temperature === undefined ? {} : { temperature: agent.config.temperature }),
      agent: agent.id,
      sessionId: context.sessionId,
      turnId: context.turnId,
      onSetback: (setback) => {
        if (setbacks.length < setbackBound) setbacks.push({ ...setback, at: clock.now() });
      },
    };
    const describeCall = (): ModelCall => ({
      messages: request.messages.length,
      tools: request.tools.length,
      ...(firstMs === undefined ? {} : { firstMs }),
      setbacks,
    });
    const estimated = deps.tokens.ofFrame(request) + estimateMessages(request.messages);
    const factor = deps.tokens.factor(toModelName(profile.route.providerId, profile.route.model));
    using reservation = scope.deps.budgets.reserve(
      agent,
      priceOfAny(profile.route, agent.fallback_models),
      {
        inputTokens: Math.ceil(estimated * factor),
        outputTokens: agent.config.max_output_tokens ?? assumedOutputTokens,
      },
    );
    for (let restarts = 0;; restarts++) {
      const span = deps.tracer.start("model", {
        traceparent: input.traceparent,
        kind: "client",
        attributes: { provider: profile.route.providerId, model: profile.route.model },
      });
      let streamed = 0;
      try {
        const gathered = await gather(profile.route.provider.stream(request, signal), last, (text) => {
          firstMs ??= Math.round(clock.monotonic() - beganMs);
          const lead = streamed === 0 && run.texts.length > 0 ? "\n\n" : "";
          streamed += lead.length + text.length;
          emit({ ...base, type: "text", text: lead + text });
        });
        const price = profile.route.price(gathered.provider, gathered.model);
        const costUsd = costOf(price, gathered.usage);
        deps.tokens.learn(toModelName(gathered.provider, gathered.model), estimated, gathered.usage.inputTokens);
        const tokens = gathered.usage.inputTokens + gathered.usage.outputTokens;
        reservation.settle({ tokens, costUsd: costUsd ?? 0 });
        if (costUsd !== undefined) {
          const { provider, model } = gathered;
          deps.metrics.count("nexo_llm_cost_usd_total", { agent: agent.id, provider, model }, costUsd);
        }
        span.end();
        return { output: { ...gathered, ...(costUsd === undefined ? {} : { costUsd }) }, call: describeCall() };
      } catch (thrown) {
        span.end(thrown);
        const error = toAppError(thrown);
        // Before the first text the provider's own wrappers try again; after it only we know what to do with the text.
        const again = streamed > 0 && restarts < restartBound &&
          (error.kind === "unavailable" || error.kind === "timeout");
        const { kind, message } = error;
        if (!again || signal.aborted) {
          const name = toModelName(profile.route.providerId, profile.route.model);
          const failed = { name, error: { kind, message }, call: describeCall() };
          input.keep(recordFailedModelStep(context.turnId, run.seq, failed, beganAt, clock.now()));
          throw error;
        }
        const { providerId: provider, model } = profile.route;
        request.onSetback?.({ type: "failed", provider, model, kind, message, next: "again", waitMs: 0 });
        firstMs = undefined;
        emit({ ...base, type: "restarted", voidCharacters: streamed });
      }
    }
  }
}

interface Scope {
  readonly input: LoopInput;
  readonly deps: LoopDeps;
  readonly run: Run;
}

/** Shows the model what came in while it worked. Gives whether strangers wrote any of it. */
async function joinArrivals(input: LoopInput, run: Run, clock: Clock): Promise<boolean> {
  const joined = input.absorb();
  if (joined.length === 0) return false;
  await input.journal(joined.flatMap(({ entry, claim }) => [
    claim,
    recordInboundStep(input.context.turnId, run.seq++, entry, clock.now()),
  ]));
  for (const { entry, message } of joined) {
    run.messages.push(message);
    run.entries.push(entry);
  }
  return joined.some(({ entry }) => entry.role === "user" && entry.untrusted === true);
}

/** What tells a model on its last call that it must answer now. */
function lastCallNote(callsSoFar: number): readonly LlmMessage[] {
  if (callsSoFar === 0) return [];
  return [{
    role: "user",
    content: [{ type: "text", text: "[No more tools in this turn. Answer now with what you have.]" }],
  }];
}
