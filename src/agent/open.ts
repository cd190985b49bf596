import type { AgentConfig } from "../config/agents.ts";
import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { AnyHook } from "../core/hook.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ChannelTraits } from "../core/plugin.ts";
import type { ToolMessage } from "../core/plugin_tool.ts";
import { type SessionKey, toSessionId } from "../core/session.ts";
import type { Tool } from "../core/tool.ts";
import type { Tracer } from "../core/trace.ts";
import type { Live } from "../lib/live.ts";
import type { OutboxAddress } from "../ledger/outbox.ts";
import { readNewestRow, readReadyOfTurn } from "../ledger/inbox.ts";
import { endSession, readSilentSessions } from "../ledger/sessions.ts";
import type { Arrival } from "./arrival.ts";
import { type Asked, askModel, type Question } from "./ask.ts";
import { newAttachmentKeeper } from "./attachments.ts";
import { newBudgets } from "./budget.ts";
import { newBorrowedModel } from "./borrowed_model.ts";
import { newCompactions } from "./compaction.ts";
import { type Elsewhere, newDelegateTool, newResults, serveResults } from "./delegate.ts";
import { runHeartbeats } from "./heartbeat.ts";
import { newHooks } from "./hooks.ts";
import { newInbox } from "./inbox.ts";
import { newInvoker } from "./invoke.ts";
import type { BreakerState } from "../resilience/breaker.ts";
import { newLanes } from "./lanes.ts";
import { openOutbox, type Outbox } from "./outbox.ts";
import { openOutsideCalls, type OutsideCalls } from "./outside_calls.ts";
import { newPairing } from "./pairing.ts";
import { findPolicy, type Policy } from "./policy.ts";
import { newProfiles, type ResolveModel } from "./profile.ts";
import { findReachRefusal } from "./reach.ts";
import { newOpenSkillTool } from "./skill.ts";
import type { SkillHost } from "./skill_file.ts";
import { newStops } from "./stops.ts";
import { newTokens } from "./tokens.ts";
import { runTurn, type TurnDeps } from "./turn.ts";
import type { Shelves } from "./workspace.ts";

/** What {@linkcode openAgents} needs. */
export interface AgentsDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly elsewhere: Elsewhere;
  /** May change at any time; a turn keeps those that it began with. */
  readonly tools: Live<readonly Tool[]>;
  readonly hooks: Live<readonly AnyHook[]>;
  readonly resolveModel: ResolveModel;
  traits(plugin: string): ChannelTraits | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly bootId: string;
  readonly shelves: Shelves;
  readonly skillHost: SkillHost;
}

/** All agents at work. */
export interface Agents extends AsyncDisposable {
  readonly outbox: Outbox;
  /** Asks an agent's model for somebody else, on the agent's budget. */
  readonly borrowModel: ReturnType<typeof newBorrowedModel>;
  /**
   * Asks an agent's model a question that nobody in a chat has asked, within the agent's budget.
   *
   * @throws {AppError} `missing` for an unknown agent; what budget and model say.
   */
  ask(
    agent: string,
    question: Pick<Question, "instructions" | "text" | "maxOutputTokens" | "what"> & {
      /** Absent: the agent's own. */
      readonly model: AgentConfig["model"] | undefined;
    },
    signal: AbortSignal,
  ): Promise<Asked>;
  /** Calls of tools by programs outside. */
  readonly outside: Omit<OutsideCalls, keyof AsyncDisposable>;
  /** Why a tool in a turn of the session `from` may not send a message, as of now; `undefined` where it may. */
  findReachRefusal(from: SessionKey, address: OutboxAddress, message: ToolMessage): string | undefined;
  /**
   * Answers nothing more of what a person has said so far, here or by agents that work on it; resolves when no turn does.
   * `sessions` are those that hold it.
   */
  withdraw(person: string, sessions: readonly string[]): Promise<void>;
  /** Ends a turn that runs, without an answer; says whether it was running. */
  stopTurn(id: string): boolean;
  /** Provider and model that an agent's messages go to now, and the tools that it may use. */
  describe(agent: string): Promise<{ readonly model: string; readonly tools: readonly Tool[] }>;
  /** Every tool there is, whoever may use it. */
  tools(): readonly Tool[];
  /** Whether calls of a tool pass. */
  toolBreaker(tool: string): BreakerState;
}

const sweepEveryMs = 60_000;

/**
 * Opens the agents: they take what the inbox holds, answer it, and queue the answers. Disposing lets running turns end
 * within the config's budget; the others resume at the next start.
 */
export function openAgents(deps: AgentsDeps): Agents {
  const { config, bus, ledger, log, metrics, clock } = deps;
  const stop = new AbortController();
  const results = newResults();
  const outbox = openOutbox(deps);
  const hooks = newHooks(deps.hooks, deps);
  const ownTools = [
    newDelegateTool({ config, bus, ledger, results, clock, elsewhere: deps.elsewhere }),
    newOpenSkillTool(config, deps.shelves, deps.skillHost),
  ];
  const profiles = newProfiles({ ...deps, ownTools });
  const budgets = newBudgets({ read: ledger.read, clock, metrics });
  const tokens = newTokens();
  const compactions = newCompactions({ ...deps, budgets, tokens });
  const stops = newStops();
  const turnDeps: TurnDeps = {
    ...deps,
    stops,
    profiles,
    keeper: newAttachmentKeeper({ bus, clock, stateDir: deps.shelves.stateDir }),
    hooks,
    invoker: newInvoker({ hooks, log, metrics, clock }),
    budgets,
    tokens,
    compactions,
    onQueued: outbox.push,
  };
  const pairing = newPairing(deps);
  const inbox = newInbox({
    ...deps,
    results,
    pairing,
    newestInheritedRow: readNewestRow(ledger.read),
    onQueued: outbox.push,
  });
  const policyOf = ({ session }: Arrival): Policy | undefined =>
    findPolicy(config.current, session.plugin, session.instance);

  const lanes = newLanes({
    clock,
    log,
    metrics,
    maxParallel: () => config.current.runtime.limits.max_parallel_turns,
    rules: (arrival) => {
      const settings = policyOf(arrival)?.agent.config;
      return { debounceMs: settings?.debounce_ms ?? 0, mode: settings?.mode ?? "queue" };
    },
    siblings: (arrival) =>
      readReadyOfTurn(ledger.read, arrival.delivery.turnId ?? "").map(inbox.toArrival).filter((one) =>
        one !== undefined
      ),
    mayJoin: inbox.mayJoin,
    async run(batch, waits, absorb, signal) {
      const allowed: Arrival[] = [];
      for (const arrival of batch) {
        if (arrival.delivery.turnId !== undefined || await inbox.isStillAllowed(arrival)) allowed.push(arrival);
      }
      const [first, ...others] = allowed;
      if (first === undefined) return;
      const policy = policyOf(first);
      if (policy === undefined) return void await inbox.isStillAllowed(first);
      await runTurn([first, ...others], policy, waits, absorb, turnDeps, signal);
    },
  });

  const outside = openOutsideCalls(turnDeps);
  const answering = newAnswerers(bus, config);
  const background = [
    inbox.run(lanes.push, stop.signal),
    runHeartbeats({ config, bus, clock, log }, stop.signal),
    sweep(),
  ].map((work) =>
    work.catch((thrown) => {
      if (!stop.signal.aborted) log.error("agents.part_failed", { error: toAppError(thrown).message });
    })
  );

  async function sweep(): Promise<void> {
    while (!stop.signal.aborted) {
      await clock.wait(sweepEveryMs, stop.signal);
      try {
        await endSilentSessions();
        await pairing.sweep();
      } catch (thrown) {
        // What is not ended now is ended by the next sweep.
        log.warn("agents.sweep_failed", { error: toAppError(thrown).message });
      }
    }
  }

  /** Ends sessions that have been silent for long, so that `session_end` fires once for each. */
  async function endSilentSessions(): Promise<void> {
    const beforeMs = clock.now() - config.current.memory.short_term.session_ttl;
    for (const session of readSilentSessions(ledger.read, beforeMs, 500)) {
      const verdict = await hooks.run("session_end", { agent: session.agent, session }, stop.signal);
      if (!("vetoed" in verdict)) await ledger.commit([endSession(toSessionId(session), beforeMs)]);
    }
  }

  return {
    outbox,
    toolBreaker: turnDeps.invoker.breakerState,
    async ask(id, { model, ...question }, signal) {
      const agent = config.current.agents.find((one) => one.id === id);
      if (agent === undefined) throw new AppError("missing", `There is no agent ${id}`);
      const route = deps.resolveModel(config.current.llm, model ?? agent.model, agent.fallback_models);
      const asked = { ...question, agent, route, sessionId: id };
      return await askModel(asked, { budgets, tokens, metrics, clock }, AbortSignal.any([signal, stop.signal]));
    },
    outside,
    borrowModel: newBorrowedModel(turnDeps),
    withdraw: (person, sessions) =>
      lanes.withdraw((arrival) => arrival.person === person || sessions.includes(arrival.sessionId)),
    stopTurn: stops.stop,
    findReachRefusal: (from, address, message) =>
      findReachRefusal({ config: config.current, read: ledger.read, pairing }, from, address, message),
    async describe(agent) {
      const policy = findPolicy(config.current, "console", agent);
      if (policy === undefined) throw new AppError("missing", `There is no agent ${agent}`);
      const profile = await profiles.of(config.current, policy);
      return { model: `${profile.route.providerId}/${profile.route.model}`, tools: [...profile.tools.values()] };
    },
    tools: () => [...deps.tools.current, ...ownTools],
    async [Symbol.asyncDispose]() {
      const { budget } = config.current.runtime.shutdown;
      const startedMs = clock.monotonic();
      stop.abort(new AppError("cancelled", "The agents are closing"));
      await outside[Symbol.asyncDispose]();
      await lanes.stop(budget);
      await Promise.all(background);
      await compactions[Symbol.asyncDispose]();
      const timer = new AbortController();
      const rest = Math.max(0, budget - (clock.monotonic() - startedMs));
      clock.wait(rest, timer.signal).then(() => timer.abort(), () => {/* flushed in time */});
      await outbox.flush(timer.signal);
      timer.abort();
      await outbox[Symbol.asyncDispose]();
      await answering[Symbol.asyncDispose]();
    },
  };
}

/** Keeps an answerer for the results of each configured agent's tasks. */
function newAnswerers(bus: Bus, config: Live<Config>): AsyncDisposable {
  const stop = new AbortController();
  let answerers = new Map<string, AsyncDisposable>();
  const arrange = async (current: Config) => {
    const next: typeof answerers = new Map();
    for (const { id } of current.agents) next.set(id, answerers.get(id) ?? serveResults(bus, id));
    const gone = [...answerers].filter(([id]) => !next.has(id));
    answerers = next;
    for (const [, answerer] of gone) await answerer[Symbol.asyncDispose]();
  };
  const follow = async () => {
    await arrange(config.current);
    for await (const changed of config.changes(stop.signal)) await arrange(changed);
  };
  const following = follow();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      for (const answerer of answerers.values()) await answerer[Symbol.asyncDispose]();
    },
  };
}
