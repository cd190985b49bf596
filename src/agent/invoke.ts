import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { AgentConfig } from "../config/agents.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { LlmToolCall } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { newTextResult, type Tool, type ToolContent, type ToolContext, type ToolResult } from "../core/tool.ts";
import { matchesPattern } from "../lib/pattern.ts";
import { type Bucket, newBucket } from "../resilience/bucket.ts";
import { type Breaker, type BreakerState, newBreaker } from "../resilience/breaker.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { fenceContent } from "./fence.ts";
import type { Hooks } from "./hooks.ts";
import { toKeptResult } from "./tool_result.ts";

/** The one way in which any tool of any origin is called. */
export interface Invoker {
  /** Never throws but when the turn itself ends: whatever goes wrong is a result that the model can read. */
  invoke(call: LlmToolCall, scope: InvokeScope): Promise<Invoked>;
  /** Whether calls of a tool pass, as its own breaker has it. */
  breakerState(tool: string): BreakerState;
}

/** What a call happens in. */
export interface InvokeScope {
  readonly agent: AgentConfig;
  readonly tools: ReadonlyMap<string, Tool>;
  /** The turn holds text of strangers, so dangerous tools stay shut. */
  readonly tainted: boolean;
  readonly context: Omit<ToolContext, "signal" | "log">;
  readonly signal: AbortSignal;
}

/** What came of a call. */
export interface Invoked {
  readonly content: readonly ToolContent[];
  readonly isError: boolean;
  readonly untrusted: boolean;
  readonly outcome: "ok" | "error" | "denied" | "vetoed" | "limited" | "invalid" | "timeout" | "unknown";
}

/** Buckets and validators kept; agents and tools are few, so the bound is only a guard. */
const keptBound = 10_000;

/** Makes the {@linkcode Invoker}. */
export function newInvoker(
  { hooks, log, metrics, clock }: {
    readonly hooks: Hooks;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): Invoker {
  const validate = newInputCheck();
  const buckets = new Map<string, Bucket>();
  const breakers = new Map<string, Breaker>();

  const breakerOf = (tool: string) => {
    let breaker = breakers.get(tool);
    if (breaker === undefined) {
      const name = `tool.${tool}`;
      breaker = newBreaker({
        name: `The tool ${tool}`,
        clock,
        onChange: (state) => {
          metrics.gauge("nexo_breaker_state", { breaker: name }, { closed: 0, half_open: 1, open: 2 }[state]);
          log.warn("breaker.changed", { breaker: name, state });
        },
      });
      breakers.set(tool, breaker);
    }
    return breaker;
  };

  const takeToken = (agent: AgentConfig, tool: string): boolean => {
    const found = Object.entries(agent.tool_rate_limits).find(([pattern]) => matchesPattern([pattern], tool));
    if (found === undefined) return true;
    const [pattern, { rps, burst }] = found;
    const key = `${agent.id} ${pattern} ${rps} ${burst}`;
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      if (buckets.size >= keptBound) buckets.clear();
      bucket = newBucket({ rps, burst, clock });
      buckets.set(key, bucket);
    }
    return bucket.tryTake().ok;
  };

  const run = async (tool: Tool, input: unknown, scope: InvokeScope): Promise<Invoked> => {
    const deadlineMs = tool.deadlineMs ?? scope.agent.config.tool_deadline;
    using deadline = withDeadline(scope.signal, deadlineMs, clock, `The tool ${tool.name}`);
    const { promise: late, reject } = Promise.withResolvers<never>();
    deadline.signal.addEventListener("abort", () => reject(deadline.signal.reason), { once: true });
    const context: ToolContext = {
      ...scope.context,
      signal: deadline.signal,
      log: log.with({ tool: tool.name, turn: scope.context.turnId }),
    };
    try {
      const result = await breakerOf(tool.name).run(() => Promise.race([tool.run(input, context), late]));
      return toInvoked(tool.name, toKeptResult(result));
    } catch (thrown) {
      scope.signal.throwIfAborted();
      const error = toAppError(thrown);
      log.warn("tool.failed", {
        tool: tool.name,
        agent: scope.agent.id,
        turn: scope.context.turnId,
        kind: error.kind,
        error: error.message,
      });
      return refuse(error.kind === "timeout" ? "timeout" : "error", `The tool ${tool.name} failed: ${error.message}`);
    }
  };

  const decide = async (call: LlmToolCall, scope: InvokeScope): Promise<Invoked> => {
    const tool = scope.tools.get(call.name);
    if (tool === undefined) {
      const names = [...scope.tools.keys()].slice(0, 50).join(", ") || "none";
      return refuse("unknown", `There is no tool ${call.name}, or you may not use it. Your tools: ${names}`);
    }
    if (tool.dangerous === true && scope.tainted) {
      return refuse("denied", `The tool ${call.name} may not be used after reading text of strangers in the same turn`);
    }
    const { session } = scope.context;
    const before = await hooks.run("before_tool_call", {
      agent: scope.agent.id,
      session,
      tool: call.name,
      input: call.input,
    }, scope.signal);
    if ("vetoed" in before) return refuse("vetoed", `The call was not allowed: ${before.vetoed}`);
    if (!takeToken(scope.agent, call.name)) {
      return refuse("limited", `The tool ${call.name} is called too often. Wait, or answer without it`);
    }
    if (call.inputError !== undefined) {
      return refuse("invalid", `The input is not JSON: ${call.inputError}. Call again, corrected`);
    }
    const { input } = before.payload;
    const fault = validate(tool, input);
    if (fault !== undefined) {
      return refuse("invalid", `The input does not fit the tool: ${fault}. Call again, corrected`);
    }
    const startedMs = clock.monotonic();
    const invoked = await run(tool, input, scope);
    const tookMs = clock.monotonic() - startedMs;
    metrics.observe("nexo_tool_seconds", { tool: call.name }, tookMs / 1_000);
    const result: ToolResult = { content: invoked.content, isError: invoked.isError, untrusted: invoked.untrusted };
    const after = await hooks.run("after_tool_call", {
      agent: scope.agent.id,
      session,
      tool: call.name,
      input,
      result,
      tookMs,
    }, scope.signal);
    if ("vetoed" in after) return refuse("vetoed", `The result was held back: ${after.vetoed}`);
    const changed = after.payload.result;
    return { ...invoked, content: changed.content, isError: changed.isError === true };
  };

  return {
    breakerState: (tool) => breakers.get(tool)?.state ?? "closed",
    async invoke(call, scope) {
      const invoked = await decide(call, scope);
      // An unknown tool's name is the model's invention: it must not become a label.
      const tool = invoked.outcome === "unknown" ? "(unknown)" : call.name;
      metrics.count("nexo_tool_calls_total", { agent: scope.agent.id, tool, outcome: invoked.outcome });
      if (invoked.outcome !== "ok" && invoked.outcome !== "error") {
        metrics.count("nexo_refusals_total", { part: "tool", reason: invoked.outcome });
      }
      return invoked;
    },
  };
}

function refuse(outcome: Invoked["outcome"], text: string): Invoked {
  return { ...newTextResult(text, true), isError: true, untrusted: false, outcome };
}

function toInvoked(tool: string, { content, isError = false, untrusted = false }: ToolResult): Invoked {
  return {
    content: untrusted ? fenceContent(`tool:${tool}`, content) : content,
    isError,
    untrusted,
    outcome: isError ? "error" : "ok",
  };
}

/** Checks inputs against the tools' schemas, each compiled once. Gives the fault in words, or `undefined`. */
function newInputCheck(): (tool: Tool, input: unknown) => string | undefined {
  let ajv: Ajv2020 | undefined;
  const compiled = new WeakMap<Tool, ValidateFunction>();
  return (tool, input) => {
    let check = compiled.get(tool);
    if (check === undefined) {
      ajv ??= new Ajv2020({ strict: false, allErrors: true, logger: false, validateFormats: false });
      try {
        check = ajv.compile(tool.inputSchema);
      } catch (thrown) {
        // Closed, not open: a tool whose schema nobody can read is not called with whatever a model wrote.
        return `its own schema is broken (${toAppError(thrown).message})`;
      }
      compiled.set(tool, check);
    }
    if (check(input)) return undefined;
    return (check.errors ?? []).slice(0, 5)
      .map((error) => `${error.instancePath === "" ? "the input" : error.instancePath} ${error.message ?? "is wrong"}`)
      .join("; ");
  };
}

/** A result for a call whose outcome nobody saw, because the process died meanwhile. */
export function newInterruptedResult(tool: string): Invoked {
  return refuse(
    "error",
    `The call of ${tool} was interrupted by a restart and its outcome is unknown. It may have happened. ` +
      `Do not repeat it without checking; tell the person if it matters`,
  );
}

/** The error of a turn whose model would not stop calling tools. */
export function newEndlessError(calls: number): AppError {
  return new AppError("unavailable", `The model gave no answer within ${calls} calls`, { reason: "max_model_calls" });
}
