import type { AgentConfig } from "../config/agents.ts";
import type { Clock } from "../core/clock.ts";
import type { Statement } from "../core/ledger.ts";
import type { LlmToolCall, LlmToolResult } from "../core/llm.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ToolContext } from "../core/tool.ts";
import type { Tracer } from "../core/trace.ts";
import type { TurnEvent } from "../core/turn.ts";
import { finishToolStep, startToolStep } from "../ledger/turns.ts";
import { type Invoked, type Invoker, newInterruptedResult } from "./invoke.ts";
import type { Profile } from "./profile.ts";
import type { KnownCalls, Run } from "./replay.ts";

/** The turn that tools are called in. */
export interface ToolCallInput {
  readonly agent: AgentConfig;
  readonly profile: Profile;
  readonly context: Omit<ToolContext, "signal" | "log" | "idempotencyKey">;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  /** Makes statements durable before the turn goes on. */
  journal(unit: readonly Statement[]): Promise<void>;
  emit(event: TurnEvent): void;
}

/** What {@linkcode callTools} needs. */
export interface ToolCallScope {
  readonly input: ToolCallInput;
  readonly deps: {
    readonly invoker: Invoker;
    readonly metrics: Metrics;
    readonly clock: Clock;
    readonly tracer: Tracer;
  };
  readonly run: Pick<Run, "seq">;
  /** Whether the turn holds text of strangers by now. */
  tainted(): boolean;
}

/** Runs the calls of one answer: those that may run side by side first, then the others one by one. */
export async function callTools(
  calls: readonly LlmToolCall[],
  known: KnownCalls,
  first: readonly Statement[],
  { input, deps, run, tainted }: ToolCallScope,
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

function toPreview({ content }: Invoked): string {
  return content.map((part) =>
    part.type === "text" ? part.text : part.type === "json" ? JSON.stringify(part.value) : "[image]"
  )
    .join("\n").slice(0, 2_000);
}
