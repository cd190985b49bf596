import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import { newTextResult, type Tool, type ToolContext, type ToolResult } from "../core/tool.ts";
import { calls, type RouteEvent, routeEventSchema, topics } from "../core/topics.ts";
import { matchesPattern } from "../lib/pattern.ts";
import type { Live } from "../lib/live.ts";
import { readEvent } from "../ledger/inbox.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { findPolicy } from "./policy.ts";

type Task = Extract<RouteEvent, { kind: "delegate" }>;
type TaskResult = Extract<RouteEvent, { kind: "result" }>;

/** Results of tasks on their way to whoever asked. */
export interface Results {
  /** Waits for the result of a task. @throws the signal's reason when it fires first. */
  wait(taskId: string, signal: AbortSignal): Promise<TaskResult>;
  settle(taskId: string, result: TaskResult): void;
}

/** Makes {@linkcode Results} that nobody waits for. */
export function newResults(): Results {
  const waiting = new Map<string, (result: TaskResult) => void>();
  return {
    async wait(taskId, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<TaskResult>();
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      waiting.set(taskId, resolve);
      try {
        return await promise;
      } finally {
        waiting.delete(taskId);
        signal.removeEventListener("abort", abort);
      }
    },
    settle: (taskId, result) => waiting.get(taskId)?.(result),
  };
}

/** Longest patience of one task, milliseconds. */
const longestMs = 600_000;
const defaultMs = 120_000;

/** Makes the tool with which an agent gives another agent a task and waits for the answer. */
export function newDelegateTool(
  { config, bus, ledger, results, clock, isElsewhere }: {
    readonly config: Live<Config>;
    readonly bus: Bus;
    readonly ledger: Ledger;
    readonly results: Results;
    readonly clock: Clock;
    /** Whether another process runs an agent that is not in the config. */
    isElsewhere(agent: string): Promise<boolean>;
  },
): Tool {
  const run = async (
    input: { agent: string; task: string; timeout_seconds?: number },
    context: ToolContext,
  ): Promise<ToolResult> => {
    const taskId = context.idempotencyKey;
    const resultId = toResultId(taskId);
    const timeoutMs = Math.min((input.timeout_seconds ?? defaultMs / 1_000) * 1_000, longestMs);
    const task: Task = {
      kind: "delegate",
      from: context.agent,
      task: input.task,
      sessionId: context.sessionId,
      chain: [...context.chain, context.agent],
      deadlineAt: Math.min(clock.now() + timeoutMs, context.deadlineAt),
    };
    const allowed = findPolicy(config.current, context.session.plugin, context.session.instance)?.allowedDelegates ??
      [];
    if (!matchesPattern(allowed, input.agent)) {
      return newTextResult(`You may not give tasks to ${input.agent}`, true);
    }
    const isHere = config.current.agents.some(({ id }) => id === input.agent);
    // What only the taker knows, a taker in another process says when it has the task.
    const refusal = !isHere && await isElsewhere(input.agent)
      ? findPathRefusal(config.current, input.agent, task)
      : findTaskRefusal(config.current, input.agent, task);
    if (refusal !== undefined) {
      return newTextResult(`${input.agent} does not take the task: ${refusal.replaceAll("_", " ")}`, true);
    }
    // After a crash the answer may be there already.
    const known = readEvent(ledger.read, "agents.route", resultId);
    if (known !== undefined) return toToolResult(routeEventSchema.parse(known.payload));
    using deadline = withDeadline(context.signal, timeoutMs, clock, `${input.agent}`);
    const result = results.wait(taskId, deadline.signal);
    result.catch(() => {}); // awaited below, after a publish that may throw first
    await bus.publish(topics.route(input.agent), task, {
      id: taskId,
      source: `agent.${context.agent}`,
      correlationId: taskId,
    });
    try {
      return toToolResult(await result);
    } catch (thrown) {
      context.signal.throwIfAborted();
      return newTextResult(`${input.agent} gave no answer: ${toAppError(thrown).message}`, true);
    }
  };
  return {
    name: "delegate",
    description: "Gives another agent a task and waits for its answer. Say everything that it needs to know in `task`.",
    inputSchema: {
      type: "object",
      properties: {
        agent: { type: "string", description: "Id of the agent" },
        task: { type: "string", minLength: 1, maxLength: 100_000, description: "What it is to do, complete in itself" },
        timeout_seconds: { type: "number", minimum: 1, maximum: longestMs / 1_000, description: "How long to wait" },
      },
      required: ["agent", "task"],
      additionalProperties: false,
    },
    effect: "idempotent",
    parallelSafe: true,
    deadlineMs: longestMs,
    // The input was checked against the schema above before run() is called.
    run: (input, context) => run(input as { agent: string; task: string; timeout_seconds?: number }, context),
  };
}

/** Why `target` does not take a task, or `undefined`. Asked by the giver, for an answer at once, and again by the taker. */
export function findTaskRefusal(config: Config, target: string, task: Task): string | undefined {
  const agent = config.agents.find((one) => one.id === target);
  if (agent === undefined) return "no_such_agent";
  const refusal = findPathRefusal(config, target, task, agent.config.delegate_depth);
  if (refusal !== undefined) return refusal;
  if (!matchesPattern(agent.accept_delegates_from, task.from)) return "not_accepted_from_you";
  return undefined;
}

/** Why a task must not go on to `target` on the path that it took, or `undefined`. */
function findPathRefusal(config: Config, target: string, task: Task, ownDepth = Infinity): string | undefined {
  if (task.chain.includes(target)) return "cycle";
  const depth = config.agents.find((one) => one.id === task.chain[0])?.config.delegate_depth ?? ownDepth;
  return task.chain.length > depth ? "too_deep" : undefined;
}

/** Answers tasks: whatever a turn replies to the plugin `agent` becomes a result for the agent that asked. */
export function serveResults(bus: Bus, agent: string): AsyncDisposable {
  return bus.respond(calls.send("agent", agent), async (message) => {
    const taskId = message.conversation;
    const result: TaskResult = { kind: "result", from: "agent", outcome: message.outcome, text: message.text };
    await bus.publish(topics.route(agent), result, { id: toResultId(taskId), correlationId: taskId, source: "agent" });
    return { providerMessageIds: [toResultId(taskId)] };
  });
}

function toResultId(taskId: string): string {
  return `${taskId}:result`;
}

function toToolResult(event: RouteEvent): ToolResult {
  if (event.kind !== "result") return newTextResult("The other agent's answer cannot be read", true);
  return newTextResult(event.text, event.outcome === "failed");
}
