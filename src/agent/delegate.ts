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
import { orAborted } from "../resilience/abort.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { findPolicy } from "./policy.ts";

type Task = Exclude<RouteEvent, { kind: "result" }>;
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
      const { promise, resolve } = Promise.withResolvers<TaskResult>();
      waiting.set(taskId, resolve);
      try {
        return await orAborted(promise, signal);
      } finally {
        waiting.delete(taskId);
      }
    },
    settle: (taskId, result) => waiting.get(taskId)?.(result),
  };
}

/** Longest patience of one task, milliseconds. */
const longestMs = 600_000;
const defaultMs = 120_000;
/** Agents that one call may give a task to. */
const widest = 32;

interface Order {
  readonly agent?: string;
  readonly agents?: readonly string[];
  readonly task: string;
  readonly wait?: boolean;
  readonly timeout_seconds?: number;
}

/** What an agent made of a task: its answer, or why there is none. */
interface Outcome {
  readonly agent: string;
  readonly text: string;
  readonly failed: boolean;
}

/** What {@linkcode newDelegateTool} needs. */
export interface DelegateDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly results: Results;
  readonly clock: Clock;
  readonly elsewhere: Elsewhere;
}

/** Agents that other processes run. */
export interface Elsewhere {
  /** Whether one of them runs an agent. */
  runs(agent: string): Promise<boolean>;
  /** Those that are known of. */
  agents(): readonly string[];
}

/** Makes the tool with which an agent gives other agents a task, and waits for their answers or does not. */
export function newDelegateTool({ config, bus, ledger, results, clock, elsewhere }: DelegateDeps): Tool {
  const allowedOf = ({ session }: ToolContext): readonly string[] =>
    findPolicy(config.current, session.plugin, session.instance)?.allowedDelegates ?? [];

  /** Everybody whom the asking agent may ask. */
  const findAll = (context: ToolContext): readonly string[] => {
    const known = new Set([...config.current.agents.map(({ id }) => id), ...elsewhere.agents()]);
    known.delete(context.agent);
    return [...known].filter((id) => matchesPattern(allowedOf(context), id));
  };

  const findRefusal = async (target: string, task: Task, context: ToolContext): Promise<string | undefined> => {
    if (!matchesPattern(allowedOf(context), target)) return `You may not give tasks to ${target}`;
    const isHere = config.current.agents.some(({ id }) => id === target);
    // What only the taker knows, a taker in another process says when it has the task.
    const refusal = !isHere && await elsewhere.runs(target)
      ? findPathRefusal(config.current, target, task)
      : findTaskRefusal(config.current, target, task);
    return refusal === undefined ? undefined : `${target} does not take the task: ${refusal.replaceAll("_", " ")}`;
  };

  const give = async (
    target: string,
    taskId: string,
    task: Task,
    context: ToolContext,
    patience: AbortSignal,
  ): Promise<Outcome> => {
    const fail = (text: string): Outcome => ({ agent: target, text, failed: true });
    const refusal = await findRefusal(target, task, context);
    if (refusal !== undefined) return fail(refusal);
    // After a crash the answer may be there already.
    const known = readEvent(ledger.read, "agents.route", toResultId(taskId));
    if (known !== undefined) return toOutcome(target, routeEventSchema.parse(known.payload));
    const send = () =>
      bus.publish(topics.route(target), task, {
        id: taskId,
        source: `agent.${context.agent}`,
        correlationId: taskId,
        expiresAt: new Date(task.deadlineAt).toISOString(),
      });
    if (task.kind === "broadcast") {
      await send();
      return { agent: target, text: `${target} is told`, failed: false };
    }
    const over = new AbortController();
    const result = results.wait(taskId, AbortSignal.any([patience, over.signal]));
    result.catch(() => {}); // awaited below, after a publish that may throw first
    try {
      await send();
      return toOutcome(target, await result);
    } catch (thrown) {
      context.signal.throwIfAborted();
      if (!patience.aborted) throw thrown;
      return fail(`${target} gave no answer: ${toAppError(thrown).message}`);
    } finally {
      over.abort();
    }
  };

  const run = async (order: Order, context: ToolContext): Promise<ToolResult> => {
    const named = [...order.agent === undefined ? [] : [order.agent], ...order.agents ?? []];
    const targets = [...new Set(named.flatMap((name) => name === "*" ? findAll(context) : [name]))];
    if (named.length === 0) return newTextResult("Name an agent in `agent`", true);
    if (targets.length === 0) return newTextResult("There is no other agent that you may give tasks to", true);
    if (targets.length > widest) return newTextResult(`A task can go to ${widest} agents at once`, true);
    const waits = order.wait !== false;
    const defaultTimeoutMs = waits ? defaultMs : longestMs;
    const timeoutMs = Math.min((order.timeout_seconds ?? defaultTimeoutMs / 1_000) * 1_000, longestMs);
    const task: Task = {
      kind: waits ? "delegate" : "broadcast",
      from: context.agent,
      task: order.task,
      sessionId: context.sessionId,
      chain: [...context.chain, context.agent],
      deadlineAt: Math.min(clock.now() + timeoutMs, waits ? context.deadlineAt : Infinity),
    };
    const isAlone = named.length === 1 && targets[0] === named[0];
    using deadline = withDeadline(context.signal, timeoutMs, clock, isAlone ? `${targets[0]}` : "the task");
    const outcomes = await Promise.all(targets.map(async (target): Promise<Outcome> => {
      const taskId = isAlone ? context.idempotencyKey : `${context.idempotencyKey}:${target}`;
      try {
        return await give(target, taskId, task, context, deadline.signal);
      } catch (thrown) {
        if (isAlone || context.signal.aborted) throw thrown;
        return { agent: target, text: `The task did not reach ${target}: ${toAppError(thrown).message}`, failed: true };
      }
    }));
    const text = isAlone
      ? outcomes.map((outcome) => outcome.text)
      : outcomes.map((outcome) => `[${outcome.agent}]\n${outcome.text}`);
    return newTextResult(text.join("\n\n"), outcomes.every(({ failed }) => failed));
  };
  return {
    name: "delegate",
    description:
      "Gives another agent, several or all of them a task and waits for the answers. Say everything that they need to " +
      "know in `task`.",
    inputSchema: {
      type: "object",
      properties: {
        agent: { type: "string", description: "Id of the agent, or * for all" },
        agents: {
          type: "array",
          items: { type: "string" },
          maxItems: widest,
          description: "Several agents, in the place of `agent`",
        },
        task: { type: "string", minLength: 1, maxLength: 100_000, description: "What it is to do, complete in itself" },
        wait: { type: "boolean", description: "false: only tell them, no answer is wanted" },
        timeout_seconds: { type: "number", minimum: 1, maximum: longestMs / 1_000, description: "How long to wait" },
      },
      required: ["task"],
      additionalProperties: false,
    },
    effect: "idempotent",
    parallelSafe: true,
    deadlineMs: longestMs,
    // The input was checked against the schema above before run() is called.
    run: (input, context) => run(input as Order, context),
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

function toOutcome(agent: string, event: RouteEvent): Outcome {
  if (event.kind !== "result") return { agent, text: "The other agent's answer cannot be read", failed: true };
  return { agent, text: event.text, failed: event.outcome === "failed" };
}
