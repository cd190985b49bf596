import type { AgentConfig } from "../config/agents.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Dream, DreamPlan, Dreams } from "../core/dream.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Ledger, Statement } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Fact, Memory } from "../core/memory.ts";
import type { Metrics } from "../core/metrics.ts";
import { parseSessionId, toConversationId } from "../core/session.ts";
import { dreamsPaper, type Workspace, type Workspaces } from "../core/workspace.ts";
import { keepDream, readDreamOfCommit, readLastDreamMs, readOpenDreams, readPromoted } from "../ledger/dreams.ts";
import { findSecret } from "../lib/find_secret.ts";
import { newId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import { findCandidates } from "./candidates.ts";
import { groupBound, mergeEqual, mergeInstructions, readMerged, splitGroups, toMaterial } from "./merge.ts";
import { addEntry, addPromoted } from "./paper.ts";
import { dueAt } from "./schedule.ts";

/** Asks a model on behalf of an agent, within its budget. `used` belongs into the unit that keeps the answer. */
export type AskForAgent = (
  agent: string,
  question: {
    /** Absent: the agent's own. */
    readonly model: AgentConfig["model"] | undefined;
    readonly instructions: string;
    readonly text: string;
    /** Tokens. */
    readonly maxOutputTokens: number;
    readonly what: string;
  },
  signal: AbortSignal,
) => Promise<{ readonly text: string; readonly used: Statement }>;

/** What {@linkcode openDreams} needs. */
export interface DreamsDeps {
  readonly config: Live<Config>;
  readonly memory: Memory;
  readonly workspaces: Workspaces;
  readonly ledger: Ledger;
  readonly ask: AskForAgent;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** How often it is looked who is due, milliseconds. */
const lookEveryMs = 60_000;
/** After a failure an agent dreams no sooner than this, milliseconds. */
const pauseMs = 3_600_000;
/** Prompts show 20,000 characters of MEMORY.md: what is further down nobody would read. */
const paperBound = 18_000;
const operator = { kind: "operator" } as const;

/**
 * Opens dreaming: what an earlier process left half done is carried out, then whoever is due dreams. Disposing it leaves
 * a dream under way to the next start.
 */
export function openDreams(deps: DreamsDeps): Dreams & AsyncDisposable {
  const { config, memory, workspaces, ledger, log, metrics, clock } = deps;
  const stop = new AbortController();
  const busy = new Set<string>();
  const notBefore = new Map<string, number>();

  const agentOf = (id: string): AgentConfig => {
    const agent = config.current.agents.find((one) => one.id === id);
    if (agent !== undefined) return agent;
    throw new AppError("missing", `There is no agent ${id}. See: agent status`, { reason: "unknown_agent" });
  };

  /** One thing at a time for each agent. */
  const alone = async <T>(agent: string, work: () => Promise<T>): Promise<T> => {
    if (busy.has(agent)) throw new AppError("conflict", `${agent} dreams already. Ask again when it is done`);
    busy.add(agent);
    try {
      return await work();
    } finally {
      busy.delete(agent);
    }
  };

  const makePlan = async (agent: AgentConfig, asks: boolean, signal: AbortSignal) => {
    const { dreaming } = agent;
    const rules = {
      promoteAfter: dreaming.promote_after,
      promotesAll: dreaming.promote === "all",
      fadeAfterMs: dreaming.fade_after,
    };
    const promoted = readPromoted(ledger.read, agent.id);
    const found = await findCandidates(memory, agent.id, { rules, promoted, nowMs: clock.now() }, signal);
    const groups = (await memory.duplicates(agent.id, groupBound, signal)).filter(isPlaced);
    const { equal, alike } = splitGroups(groups, dreaming.max_tokens);
    const merged = equal.map(mergeEqual);
    const unit: Statement[] = [];
    if (asks && alike.length > 0) {
      const { text, used } = await deps.ask(agent.id, {
        model: dreaming.model,
        instructions: mergeInstructions,
        text: toMaterial(alike),
        maxOutputTokens: Math.ceil(dreaming.max_tokens / 2),
        what: "The dream",
      }, signal);
      merged.push(...readMerged(text, alike));
      unit.push(used);
    }
    // What is merged anew is neither promoted nor faded as it was.
    const gone = new Set(merged.flatMap(({ replaced }) => replaced));
    const paper = await readOrEmpty(workspaces.of(agent.id), "MEMORY.md");
    const plan: DreamPlan = {
      promoted: takeWhatFits(found.promoted.filter(({ id }) => !gone.has(id)), paperBound - paper.length),
      merged,
      faded: found.faded.filter(({ id }) => !gone.has(id)),
    };
    return { plan, unit };
  };

  const dream: Dreams["dream"] = async (id, { dryRun }, signal) => {
    const agent = agentOf(id);
    return await alone(id, async () => {
      const open = readOpenDreams(ledger.read).find((one) => one.agent === id && one.state === "planned");
      if (open !== undefined && !dryRun) return await carryOut(open, signal);
      const { plan, unit } = await makePlan(agent, !dryRun, signal);
      const isEmpty = plan.promoted.length + plan.merged.length + plan.faded.length === 0;
      const begun: Dream = { id: newId(clock.now()), agent: id, state: "planned", startedAtMs: clock.now(), plan };
      if (dryRun) return isEmpty ? undefined : begun;
      // From here on it is carried out, by this process or a later one. Also an empty one is a row: the day's is done.
      await ledger.commit([...unit, keepDream(isEmpty ? { ...begun, state: "done" } : begun)]);
      return isEmpty ? undefined : await carryOut(begun, signal);
    });
  };

  /** Carries a plan out. Each step may be repeated: it is done once. */
  async function carryOut(begun: Dream, signal: AbortSignal): Promise<Dream> {
    const { id, agent } = begun;
    const merged: DreamPlan["merged"] = [];
    for (const [index, merge] of begun.plan.merged.entries()) {
      const made = await replace(agent, `dream:${id}:${index}`, merge, signal);
      if (made !== undefined) merged.push({ ...merge, made });
    }
    await memory.weigh(agent, begun.plan.faded.map((one) => ({ id: one.id, importance: one.after })), signal);
    const dreamt = { ...begun, plan: { ...begun.plan, merged } };
    const commit = await write(workspaces.of(agent), dreamt);
    const done: Dream = {
      ...dreamt,
      state: "done",
      ...commit === undefined ? {} : { commit },
      plan: withoutTexts(dreamt.plan),
    };
    await ledger.commit([keepDream(done)]);
    metrics.count("nexo_dreams_total", { agent, result: "done" });
    log.info("dream.done", {
      agent,
      promoted: done.plan.promoted.length,
      merged: merged.length,
      faded: done.plan.faded.length,
    });
    return { ...done, plan: dreamt.plan };
  }

  /** Puts one fact in the place of several. `undefined` where one of them is gone by now. */
  async function replace(
    agent: string,
    key: string,
    { replaced, text }: DreamPlan["merged"][number],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const facts: Fact[] = [];
    for (const id of replaced) {
      const fact = await memory.find(agent, id, operator, signal);
      if (fact === undefined) return undefined;
      facts.push(fact);
    }
    const [first] = facts;
    if (first === undefined) return undefined;
    const session = first.sessionId === undefined ? undefined : parseSessionId(first.sessionId);
    const { id } = await memory.remember(
      agent,
      {
        text,
        tags: [...new Set(facts.flatMap(({ tags }) => tags))].slice(0, 32),
        importance: Math.max(...facts.map(({ importance }) => importance)),
        audience: first.audience,
        person: first.person,
        conversation: session === undefined ? undefined : toConversationId(session),
        sessionId: first.sessionId,
        turnId: first.turnId,
        messageId: first.messageId,
        supersedes: replaced,
        key,
      },
      operator,
      signal,
    );
    return id;
  }

  async function takeBackFacts(taken: Dream, signal: AbortSignal): Promise<void> {
    const { agent, plan } = taken;
    for (const { made } of plan.merged) if (made !== undefined) await memory.restore(agent, made, signal);
    await memory.weigh(agent, plan.faded.map((one) => ({ id: one.id, importance: one.before })), signal);
    await ledger.commit([keepDream({ ...taken, state: "reverted" })]);
    metrics.count("nexo_dreams_total", { agent, result: "reverted" });
    log.info("dream.reverted", { agent });
  }

  const goOn = async (signal: AbortSignal) => {
    for (const open of readOpenDreams(ledger.read)) {
      if (!config.current.agents.some(({ id }) => id === open.agent)) continue;
      await alone(open.agent, async () => {
        if (open.state === "planned") await carryOut(open, signal);
        else await takeBackFacts(open, signal);
      });
    }
  };

  const follow = async () => {
    await goOn(stop.signal);
    const startedMs = clock.now();
    while (!stop.signal.aborted) {
      await clock.wait(lookEveryMs, stop.signal);
      for (const { id, dreaming } of config.current.agents) {
        if (!dreaming.enabled || busy.has(id)) continue;
        const due = dueAt(dreaming, readLastDreamMs(ledger.read, id), startedMs);
        if (clock.now() < Math.max(due, notBefore.get(id) ?? 0)) continue;
        try {
          await dream(id, { dryRun: false }, stop.signal);
        } catch (thrown) {
          if (stop.signal.aborted) return;
          const error = toAppError(thrown);
          notBefore.set(id, clock.now() + pauseMs);
          metrics.count("nexo_dreams_total", { agent: id, result: "failed" });
          log.warn("dream.failed", { agent: id, kind: error.kind, reason: error.reason, error: error.message });
        }
      }
    }
  };
  const following = follow().catch((thrown) => {
    if (!stop.signal.aborted) log.error("dreams.part_failed", { error: toAppError(thrown).message });
  });

  return {
    dream,
    async takeBack(agent, commit, signal) {
      const taken = readDreamOfCommit(ledger.read, agent, commit);
      if (taken?.state !== "done") return false;
      const begun: Dream = { ...taken, state: "reverting" };
      await ledger.commit([keepDream(begun)]);
      await takeBackFacts(begun, signal);
      return true;
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new AppError("cancelled", "Dreaming is closing"));
      await following;
    },
  };
}

function takeWhatFits(promoted: DreamPlan["promoted"], room: number): DreamPlan["promoted"] {
  let left = room;
  // The history takes no secret, and one of them would keep all the others out.
  return promoted.filter(({ text }) => findSecret(text, []) === undefined && (left -= text.length + 3) >= 0);
}

async function write(workspace: Workspace, dreamt: Dream): Promise<string | undefined> {
  const [memoryPaper, dreams] = await Promise.all(
    ["MEMORY.md", dreamsPaper].map((path) => readOrEmpty(workspace, path)),
  );
  const { promoted, merged, faded } = dreamt.plan;
  const commit = await workspace.change([
    ...promoted.length === 0
      ? []
      : [{ path: "MEMORY.md", kind: "replace", text: addPromoted(memoryPaper ?? "", dreamt.plan) } as const],
    { path: dreamsPaper, kind: "replace", text: addEntry(dreams ?? "", dreamt) },
  ], {
    author: dreamt.agent,
    why: `Dream: ${promoted.length} promoted, ${merged.length} merged, ${faded.length} faded`,
    key: `dream:${dreamt.id}`,
  }, "operator");
  return commit?.id;
}

async function readOrEmpty(workspace: Workspace, path: string): Promise<string> {
  try {
    return await workspace.read(path, "operator");
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return "";
    throw thrown;
  }
}

/** What is forgotten must not live on in the ledger: a dream that is done is kept by ids and numbers. */
function withoutTexts({ promoted, merged, faded }: DreamPlan): DreamPlan {
  return {
    promoted: promoted.map((one) => ({ ...one, text: "" })),
    merged: merged.map((one) => ({ ...one, text: "", before: [] })),
    faded: faded.map(({ id, before, after }) => ({ id, before, after })),
  };
}

/** Facts for one conversation can only be merged where it is known which that is. */
function isPlaced(group: readonly Fact[]): boolean {
  return group[0]?.audience !== "conversation" || group.every(({ sessionId }) => sessionId !== undefined);
}
