import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Ledger, Statement } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { type SessionKey, toPerson, toSessionId } from "../core/session.ts";
import type { Tool, ToolProgress } from "../core/tool.ts";
import type { TranscriptEntry } from "../core/transcript.ts";
import { newId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import { appendEntry, readSession, touchSession } from "../ledger/sessions.ts";
import { endTurn, finishToolStep, readCutCalls, startToolStep, startTurn, toCallTurnId } from "../ledger/turns.ts";
import type { Budgets } from "./budget.ts";
import { commitWhenPossible } from "./commit.ts";
import type { Invoked, Invoker } from "./invoke.ts";
import { findPolicy } from "./policy.ts";
import type { Profile, Profiles } from "./profile.ts";

/** A call of a tool by somebody outside of any turn: a program that uses an agent's tools as that agent. */
export interface OutsideCall {
  /** As whom. */
  readonly agent: string;
  readonly tool: string;
  readonly input: unknown;
  /** Who calls: their name in journal, memory and log. */
  readonly caller: string;
  /** Tools that the caller may use beside those of the agent. */
  readonly beside: readonly Tool[];
  readonly signal: AbortSignal;
  progress(report: ToolProgress): void;
}

/** What came of a call, and the turn that it was journaled as. */
export interface OutsideResult extends Invoked {
  readonly turnId: string;
}

/** Runs calls of tools from outside, each journaled as a turn of its own. */
export interface OutsideCalls extends AsyncDisposable {
  /** Tools that the agent may use. @throws {AppError} `missing` for an unknown agent. */
  tools(agent: string): Promise<readonly Tool[]>;
  /**
   * Goes the one way of all tools. What goes wrong with the tool is a result.
   *
   * @throws {AppError} `missing` for an unknown agent, `denied` where its budget is used up, `unavailable` where too many
   * calls run or the process stops.
   */
  call(call: OutsideCall): Promise<OutsideResult>;
}

/** What {@linkcode openOutsideCalls} needs. */
export interface OutsideCallsDeps {
  readonly config: Live<Config>;
  readonly ledger: Ledger;
  readonly profiles: Profiles;
  readonly invoker: Invoker;
  readonly budgets: Budgets;
  readonly log: Log;
  readonly clock: Clock;
  readonly bootId: string;
}

/** Calls that run at once, of all callers. */
const runningBound = 200;
/** Their plugin: they come in like programs through the API. */
const plugin = "api";

/** Opens {@linkcode OutsideCalls}. Calls that an earlier process left are written down as failed: nobody waits for them. */
export function openOutsideCalls(deps: OutsideCallsDeps): OutsideCalls {
  const { config, ledger, profiles, invoker, budgets, log, clock, bootId } = deps;
  const stop = new AbortController();
  const running = new Set<Promise<unknown>>();
  const commit = (unit: readonly Statement[]) => commitWhenPossible({ ledger, clock }, unit, stop.signal);
  const cut = readCutCalls(ledger.read, bootId).map((id) =>
    endCall(id, "The process ended during the call; what it did is unknown", clock.now())
  );
  const tidied = cut.length === 0 ? undefined : commit(cut).catch((thrown) => {
    if (!stop.signal.aborted) log.error("agents.part_failed", { error: toAppError(thrown).message });
  });

  async function findProfile(
    agent: string,
  ): Promise<{ readonly profile: Profile; readonly settings: Config["agents"][number] }> {
    const policy = findPolicy(config.current, plugin, agent);
    if (policy === undefined) throw new AppError("missing", `There is no agent ${agent}`, { reason: "unknown_agent" });
    return { profile: await profiles.of(config.current, policy), settings: policy.agent };
  }

  async function run(call: OutsideCall): Promise<OutsideResult> {
    const { profile, settings } = await findProfile(call.agent);
    const { route } = profile;
    // A call costs nothing by itself; an agent that has used up its budget does nothing more all the same.
    budgets.reserve(settings, route.price(route.providerId, route.model), { inputTokens: 0, outputTokens: 0 })
      [Symbol.dispose]();
    const tools = new Map([...profile.tools, ...call.beside.map((tool): [string, Tool] => [tool.name, tool])]);
    const startedAtMs = clock.now();
    const id = toCallTurnId(newId(startedAtMs));
    const key: SessionKey = { agent: call.agent, plugin, instance: call.agent, conversation: call.caller };
    const sessionId = toSessionId(key);
    const known = readSession(ledger.read, sessionId);
    const epoch = known === undefined ? 1 : known.ended ? known.epoch + 1 : known.epoch;
    const input: TranscriptEntry = {
      role: "note",
      text: `${call.caller} called ${call.tool} ${JSON.stringify(call.input ?? {}).slice(0, 2_000)}`,
    };
    const step = { id: "call", name: call.tool, input: call.input };
    await commit([
      touchSession(key, epoch, input.text.slice(0, 80), startedAtMs),
      startTurn({ id, agent: call.agent, sessionId, bootId, input, receivedAtMs: startedAtMs, startedAtMs }),
      startToolStep(id, 0, step, tools.get(call.tool)?.effect ?? "none", startedAtMs),
      appendEntry(key, epoch, id, input, startedAtMs),
    ]);
    const signal = AbortSignal.any([call.signal, stop.signal]);
    let invoked: Invoked | undefined;
    let fault: AppError | undefined;
    try {
      invoked = await invoker.invoke(step, {
        agent: settings,
        tools,
        tainted: false,
        context: {
          agent: call.agent,
          session: key,
          sessionId,
          turnId: id,
          isGroup: false,
          person: toPerson(plugin, call.caller),
          idempotencyKey: `${id}:0`,
          chain: [],
          deadlineAt: startedAtMs + settings.config.turn_deadline,
          progress: call.progress,
        },
        signal,
      });
    } catch (thrown) {
      fault = toAppError(thrown);
    }
    const finishedAtMs = clock.now();
    const error = fault?.message ??
      (invoked?.isError === true ? `The tool gave no result: ${invoked.outcome}` : undefined);
    await ledger.commit([
      ...invoked === undefined ? [] : [
        finishToolStep(id, 0, {
          result: { callId: step.id, name: call.tool, content: [...invoked.content], isError: invoked.isError },
          untrusted: invoked.untrusted,
        }, finishedAtMs),
      ],
      endCall(id, error, finishedAtMs),
    ]);
    log.info("call.ended", {
      agent: call.agent,
      caller: call.caller,
      tool: tools.has(call.tool) ? call.tool : "(unknown)",
      outcome: invoked?.outcome ?? fault?.kind,
      tookMs: finishedAtMs - startedAtMs,
      turn: id,
    });
    if (invoked === undefined) throw fault ?? new AppError("bug", "A call ended without an outcome");
    return { ...invoked, turnId: id };
  }

  return {
    tools: async (agent) => [...(await findProfile(agent)).profile.tools.values()],
    async call(call) {
      stop.signal.throwIfAborted();
      if (running.size >= runningBound) {
        throw new AppError("unavailable", `${runningBound} calls from outside run already. Try again soon`, {
          reason: "too_many_calls",
          retryAfterMs: 1_000,
        });
      }
      const work = run(call);
      running.add(work);
      try {
        return await work;
      } finally {
        running.delete(work);
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new AppError("unavailable", "The process is stopping", { reason: "stopping" }));
      await Promise.allSettled([tidied, ...running]);
    },
  };
}

function endCall(id: string, error: string | undefined, finishedAtMs: number): Statement {
  const outcome = error === undefined ? "silent" : "failed";
  return endTurn({ id, outcome, error, inputTokens: 0, outputTokens: 0, costUsd: 0, finishedAtMs });
}
