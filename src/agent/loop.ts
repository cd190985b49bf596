import type { AgentConfig } from "../config/agents.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Statement } from "../core/ledger.ts";
import type {
  LlmChunk,
  LlmMessage,
  LlmPrice,
  LlmRequest,
  LlmSystemBlock,
  LlmToolCall,
  LlmToolResult,
  LlmUsage,
  ModelRoute,
} from "../core/llm.ts";
import type { ModelCall } from "../core/model_call.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ToolContext } from "../core/tool.ts";
import type { Tracer } from "../core/trace.ts";
import type { TranscriptEntry } from "../core/transcript.ts";
import type { TurnEvent } from "../core/turn.ts";
import {
  finishToolStep,
  type ModelOutput,
  recordFailedModelStep,
  recordInboundStep,
  recordModelStep,
  startToolStep,
  type Step,
} from "../ledger/turns.ts";
import { addUsage } from "../ledger/usage.ts";
import { type Budgets, costOf, toDay } from "./budget.ts";
import { type Invoked, type Invoker, newEndlessError, newInterruptedResult } from "./invoke.ts";
import type { Profile } from "./profile.ts";
import { estimateMessages, type Tokens } from "./tokens.ts";
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
export interface LoopInput {
  readonly agent: AgentConfig;
  readonly profile: Profile;
  readonly system: readonly LlmSystemBlock[];
  /** What was said before, and last what is asked now. */
  readonly messages: readonly LlmMessage[];
  /** Journal of the turn before the process died, oldest first. */
  readonly steps: readonly Step[];
  /** The question holds text of strangers. */
  readonly tainted: boolean;
  readonly context: Omit<ToolContext, "signal" | "log" | "idempotencyKey">;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  /** What the model may be shown of the messages, so that they fit. */
  readonly bounds: WindowBounds;
  /** Makes statements durable before the loop goes on. */
  journal(unit: readonly Statement[]): Promise<void>;
  /** Keeps a statement for the unit that ends the turn, should it fail. */
  keep(statement: Statement): void;
  /** Messages that came in meanwhile and are to join, with the statements that bind them to the turn. */
  absorb(): readonly { readonly entry: TranscriptEntry; readonly message: LlmMessage; readonly claim: Statement }[];
  emit(event: TurnEvent): void;
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
/** Longest answer of one model call, characters; a model that goes on is cut off. */
const answerBound = 2_000_000;
/** Most setbacks of one model call that the journal keeps. */
const setbackBound = 50;
/** Most tool calls of one answer. */
const callBound = 128;
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
    await runTools(output.toolCalls.map(toCall), noneKnown, statements);
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

/** Where a turn stands. */
interface Run {
  readonly messages: LlmMessage[];
  readonly entries: TranscriptEntry[];
  readonly texts: string[];
  /** Model calls so far. */
  calls: number;
  /** Number of the next step. */
  seq: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number | undefined;
  readonly tainted: boolean;
  /** Calls of the last answer that have no results yet. */
  readonly open: { readonly calls: readonly LlmToolCall[]; readonly known: KnownCalls } | undefined;
}

/** What the journal knows of calls, by call id. */
type KnownCalls = ReadonlyMap<string, Extract<Step, { kind: "tool" }>>;
const noneKnown: KnownCalls = new Map();

/** Brings a turn to where its journal ends. */
function replay(messages: readonly LlmMessage[], steps: readonly Step[]): Run {
  const run = {
    messages: [...messages],
    entries: [] as TranscriptEntry[], // begins empty
    texts: [] as string[], // begins empty
    calls: 0,
    seq: (steps.at(-1)?.seq ?? -1) + 1,
    inputTokens: 0,
    outputTokens: 0,
    costUsd: 0 as number | undefined, // a sum until a price is missing
    tainted: false,
  };
  let calls: readonly LlmToolCall[] = [];
  let known = new Map<string, Extract<Step, { kind: "tool" }>>();
  const isComplete = () => calls.every((call) => known.get(call.id)?.output !== undefined);
  const closeCalls = () => {
    if (calls.length === 0) return;
    const outputs = calls.map((call) => known.get(call.id)?.output).filter((output) => output !== undefined);
    const untrusted = outputs.some((output) => output.untrusted);
    if (untrusted) run.tainted = true;
    const results = outputs.map((output) => output.result);
    run.messages.push({ role: "tool", results });
    run.entries.push({ role: "tool", results, ...(untrusted ? { untrusted: true } : {}) });
    calls = [];
    known = new Map();
  };
  for (const step of steps) {
    switch (step.kind) {
      case "model": {
        closeCalls();
        const { output } = step;
        run.calls++;
        run.inputTokens += output.usage.inputTokens;
        run.outputTokens += output.usage.outputTokens;
        run.costUsd = run.costUsd === undefined || output.costUsd === undefined
          ? undefined
          : run.costUsd + output.costUsd;
        run.messages.push(toAssistantMessage(output));
        run.entries.push({
          role: "assistant",
          text: output.text,
          toolCalls: output.toolCalls,
          providerState: output.providerState,
        });
        if (output.text.trim() !== "") run.texts.push(output.text);
        calls = output.toolCalls.map(toCall);
        break;
      }
      case "tool":
        known.set(step.callId, step);
        break;
      case "inbound":
        closeCalls();
        run.entries.push(step.entry);
        if (step.entry.role === "user") {
          if (step.entry.untrusted) run.tainted = true;
          run.messages.push({ role: "user", content: [{ type: "text", text: step.entry.text }] });
        }
        break;
    }
  }
  if (calls.length > 0 && isComplete()) closeCalls();
  return { ...run, open: calls.length === 0 ? undefined : { calls, known } };
}

/** Runs the calls of one answer: those that may run side by side first, then the others one by one. */
async function callTools(
  calls: readonly LlmToolCall[],
  known: KnownCalls,
  first: readonly Statement[],
  { input, deps, run, tainted }: Scope & { tainted(): boolean },
): Promise<readonly { readonly result: LlmToolResult; readonly untrusted: boolean }[]> {
  const { profile, context, emit } = input;
  const base = { agent: input.agent.id, sessionId: context.sessionId, turnId: context.turnId };
  const jobs = calls.map((call) => {
    const prior = known.get(call.id);
    const effect = profile.tools.get(call.name)?.effect ?? "none";
    return { call, prior, effect, seq: prior?.seq ?? run.seq++ };
  });
  type Job = (typeof jobs)[number];
  const outcomes = new Map<Job, { readonly result: LlmToolResult; readonly untrusted: boolean }>();
  const start = ({ call, seq, effect }: Job) => startToolStep(context.turnId, seq, call, effect, deps.clock.now());

  const perform = async (job: Job): Promise<Statement> => {
    const { call, prior, seq } = job;
    const startedMs = deps.clock.monotonic();
    emit({ ...base, type: "toolStarted", callId: call.id, tool: call.name, input: call.input });
    const span = deps.tracer.start("tool", { traceparent: input.traceparent, attributes: { tool: call.name } });
    const interrupted = prior !== undefined && prior.effect === "once";
    const invoked = interrupted ? newInterruptedResult(call.name) : await deps.invoker.invoke(call, {
      agent: input.agent,
      tools: profile.tools,
      tainted: tainted(),
      context: {
        ...context,
        idempotencyKey: `${context.turnId}:${seq}`,
        progress: (report) => emit({ ...base, type: "toolProgress", callId: call.id, tool: call.name, ...report }),
      },
      signal: input.signal,
    });
    if (interrupted) {
      deps.metrics.count("nexo_tool_calls_total", { agent: input.agent.id, tool: call.name, outcome: "interrupted" });
    }
    span.end();
    const result = { callId: call.id, name: call.name, content: [...invoked.content], isError: invoked.isError };
    const tookMs = deps.clock.monotonic() - startedMs;
    emit({
      ...base,
      type: "toolEnded",
      callId: call.id,
      tool: call.name,
      isError: invoked.isError,
      preview: toPreview(invoked),
      tookMs,
    });
    outcomes.set(job, { result, untrusted: invoked.untrusted });
    return finishToolStep(context.turnId, seq, { result, untrusted: invoked.untrusted }, deps.clock.now());
  };

  for (const job of jobs) {
    const output = job.prior?.output;
    if (output !== undefined) outcomes.set(job, { result: output.result, untrusted: output.untrusted });
  }
  const waiting = jobs.filter((job) => !outcomes.has(job));
  const together = waiting.filter((job) => profile.tools.get(job.call.name)?.parallelSafe === true);
  const apart = waiting.filter((job) => !together.includes(job));
  let unit = [...first];
  if (together.length > 0) {
    await input.journal([...unit, ...together.map(start)]);
    unit = [];
    await Promise.all(together.map(async (job) => await input.journal([await perform(job)])));
  }
  for (const job of apart) {
    await input.journal([...unit, start(job)]);
    unit = [await perform(job)];
  }
  if (unit.length > 0) await input.journal(unit);
  return jobs.map((job) => outcomes.get(job)).filter((outcome) => outcome !== undefined);
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

/** A model's whole answer. */
export interface Gathered extends Omit<ModelOutput, "costUsd"> {
  readonly usage: LlmUsage;
}

/**
 * Gathers the answer of a model.
 *
 * @throws {AppError} `invalid` for an answer without end; `unavailable` for one that is cut off; what the stream throws.
 */
export async function gather(
  chunks: AsyncIterable<LlmChunk>,
  wordsOnly: boolean,
  onText: (text: string) => void,
): Promise<Gathered> {
  let text = "";
  let callCount = 0;
  const toolCalls: ModelOutput["toolCalls"] = [];
  let finish: Extract<LlmChunk, { type: "finish" }> | undefined;
  for await (const chunk of chunks) {
    switch (chunk.type) {
      case "text":
        text += chunk.text;
        if (text.length > answerBound) {
          throw new AppError("invalid", `The model's answer grew beyond ${answerBound} characters`, {
            reason: "answer_too_long",
          });
        }
        onText(chunk.text);
        break;
      case "toolCall":
        if (++callCount > callBound) {
          throw new AppError("invalid", `The model asked for more than ${callBound} calls in one answer`, {
            reason: "too_many_calls",
          });
        }
        if (!wordsOnly) toolCalls.push({ ...chunk.call });
        break;
      case "finish":
        finish = chunk;
        break;
    }
  }
  if (finish === undefined) {
    throw new AppError("unavailable", "The model's answer ended half-way", { reason: "stream_cut" });
  }
  const { usage, provider, model, providerState } = finish;
  return {
    text,
    toolCalls,
    usage: { ...usage },
    provider,
    model,
    ...(providerState === undefined ? {} : { providerState }),
  };
}

/** What tells a model on its last call that it must answer now. */
function lastCallNote(callsSoFar: number): readonly LlmMessage[] {
  if (callsSoFar === 0) return [];
  return [{
    role: "user",
    content: [{ type: "text", text: "[No more tools in this turn. Answer now with what you have.]" }],
  }];
}

function toAssistantMessage(output: ModelOutput): LlmMessage {
  return {
    role: "assistant",
    text: output.text,
    toolCalls: output.toolCalls.map(toCall),
    ...(output.providerState === undefined ? {} : { providerState: output.providerState }),
  };
}

function toCall({ id, name, input, inputError }: ModelOutput["toolCalls"][number]): LlmToolCall {
  return { id, name, input, ...(inputError === undefined ? {} : { inputError }) };
}

function toPreview({ content }: Invoked): string {
  return content.map((part) =>
    part.type === "text" ? part.text : part.type === "json" ? JSON.stringify(part.value) : "[image]"
  )
    .join("\n").slice(0, 2_000);
}

/** Name under which a model's tokens are counted. */
export function toModelName(provider: string, model: string): string {
  return `${provider}/${model}`;
}

/** Price of a call, or `undefined` where one of the models that may answer it has none. */
export function priceOfAny(route: ModelRoute, fallbacks: AgentConfig["fallback_models"]): LlmPrice | undefined {
  const isKnown = fallbacks.every(({ provider, model }) => route.price(provider, model) !== undefined);
  return isKnown ? route.price(route.providerId, route.model) : undefined;
}
