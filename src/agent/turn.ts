import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError, toErrorRecord } from "../core/error.ts";
import type { Ledger, Statement } from "../core/ledger.ts";
import type { LlmMessage, LlmUserPart } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Outbound } from "../core/message.ts";
import type { TurnWaits } from "../core/model_call.ts";
import type { Metrics } from "../core/metrics.ts";
import { topics } from "../core/topics.ts";
import type { Tracer } from "../core/trace.ts";
import type { TranscriptEntry } from "../core/transcript.ts";
import type { TurnEvent } from "../core/turn.ts";
import { newId } from "../lib/id.ts";
import type { Live } from "../lib/live.ts";
import { buryEvent, claimEvent, finishEvent, type InboxOutcome } from "../ledger/inbox.ts";
import { writeDeadLetter } from "../ledger/dead.ts";
import { queueMessage } from "../ledger/outbox.ts";
import { appendEntry, readHistory, readSession, touchSession } from "../ledger/sessions.ts";
import { endTurn, readInterruptedTurn, resumeTurn, startTurn } from "../ledger/turns.ts";
import { withDeadline } from "../resilience/deadline.ts";
import type { Arrival, ReplyAddress } from "./arrival.ts";
import type { AttachmentKeeper } from "./attachments.ts";
import type { Budgets } from "./budget.ts";
import { commitWhenPossible } from "./commit.ts";
import type { Compactions } from "./compaction.ts";
import { withoutFence } from "./fence.ts";
import { type Ending, toReply } from "./ending.ts";
import type { Hooks } from "./hooks.ts";
import type { Invoker } from "./invoke.ts";
import { runLoop } from "./loop.ts";
import { showAttachment, type ShownAttachment } from "./media.ts";
import { isInnerPlugin, type Policy } from "./policy.ts";
import type { Profile, Profiles } from "./profile.ts";
import { findAsker, toEntry, toPriorEntry, withPaths } from "./question.ts";
import { stoppedText, type Stops } from "./stops.ts";
import { estimateMessages, type Frame, type Tokens, toModelName } from "./tokens.ts";
import { showTyping } from "./typing.ts";
import { toMessages, toWindow, type Window, type WindowBounds } from "./window.ts";

/** What turns need of the room. */
export interface TurnDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly profiles: Profiles;
  readonly keeper: AttachmentKeeper;
  readonly hooks: Hooks;
  readonly invoker: Invoker;
  readonly budgets: Budgets;
  readonly tokens: Tokens;
  readonly compactions: Compactions;
  readonly stops: Stops;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly bootId: string;
  /** Told about each outbox row as soon as it is durable, and when it is too old to be sent, milliseconds since the epoch. */
  onQueued(id: number, address: ReplyAddress, message: Outbound, expiresAtMs: number): void;
}

/** Kept free for the answer where the agent sets no bound, tokens. */
const assumedAnswerTokens = 8_000;
/** A question is asked in any case, tokens. */
const leastTokens = 1_000;
/** Part of the context window that the past may take: the question and what tools give want room too. */
const historyShare = 0.6;

/** What a heartbeat's answer is when there is nothing to say. */
const nothingToSay = /^\W*NOTHING\W*$/;

/**
 * Answers `arrivals` of one session in one turn. What goes wrong inside ends in a dead letter and a word to the user.
 *
 * @param waits What it waited for.
 * @param absorb Takes what came in meanwhile, where the agent lets messages join a running turn.
 * @throws {AppError} `cancelled` when `signal` fires: nothing is finished then, and the turn resumes at the next start.
 */
export async function runTurn(
  arrivals: readonly [Arrival, ...Arrival[]],
  policy: Policy,
  waits: TurnWaits,
  absorb: () => readonly Arrival[],
  deps: TurnDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, metrics, ledger, log } = deps;
  const config = deps.config.current;
  const [first] = arrivals;
  const { agent } = policy;
  const interrupted = first.delivery.turnId === undefined
    ? undefined
    : readInterruptedTurn(ledger.read, first.delivery.turnId, first.sessionId);
  const turnId = interrupted?.id ?? newId(clock.now());
  const joined: Arrival[] = [...arrivals];
  const startedAt = clock.now();
  const startedMs = clock.monotonic();
  const receivedAt = first.delivery.receivedAtMs;
  const base = { agent: agent.id, sessionId: first.sessionId, turnId };
  const turnTopic = topics.turn(agent.id);
  const emit = (event: TurnEvent) => void deps.bus.publish(turnTopic, event); // ephemeral: never rejects for what we make
  const answers = () => joined.map((arrival) => arrival.providerMessageId).filter((id) => id !== undefined);
  const turnLog = log.with({ turn: turnId, agent: agent.id });
  const observe = (part: string, ms: number) => metrics.observe("nexo_turn_seconds", { part }, Math.max(0, ms) / 1_000);
  observe("queue", startedAt - receivedAt);
  if (interrupted !== undefined) {
    metrics.count("nexo_turns_resumed_total", { agent: agent.id });
    turnLog.info("turn.resumed", { steps: interrupted.steps.length });
  }
  const span = deps.tracer.start("turn", {
    traceparent: first.traceparent,
    kind: "consumer",
    attributes: { agent: agent.id, plugin: first.session.plugin },
  });
  // Events without a sender's address must not keep their budget of time beyond the asker's patience.
  const patienceMs = first.deadlineAtMs === undefined ? Infinity : first.deadlineAtMs - startedAt;
  const deadlineMs = Math.max(1, Math.min(agent.config.turn_deadline, patienceMs));
  using stoppable = deps.stops.enter(turnId, signal);
  using deadline = withDeadline(stoppable.signal, deadlineMs, clock, "The turn");
  using _typing = first.reply === undefined || isInnerPlugin(first.reply.plugin) || first.source === "heartbeat" ||
      !agent.config.typing
    ? undefined
    : showTyping(first.reply, { bus: deps.bus, clock, log: turnLog, signal: deadline.signal });

  const session = openSession();
  let input: TranscriptEntry = interrupted?.input ?? toEntry(arrivals);
  const commit = (unit: readonly Statement[]) => commitWhenPossible({ ledger, clock }, unit, signal);
  /** What the journal begins with: written with the first thing worth keeping, so that a plain turn costs one unit. */
  let opening: readonly Statement[] = [];
  /** What a model that failed leaves behind. */
  const remains: Statement[] = [];
  const journal = async (unit: readonly Statement[]) => {
    await commit([...opening, ...unit]);
    opening = [];
  };

  try {
    if (first.delivery.attempts >= config.runtime.limits.max_turn_starts) {
      throw new AppError("bug", `The process ended ${first.delivery.attempts} times while this was answered`, {
        reason: "crash_loop",
      });
    }
    if (session.isNew) {
      if (session.isSilent) {
        await deps.hooks.run("session_end", { agent: agent.id, session: first.session }, deadline.signal);
      }
      const verdict = await deps.hooks.run("session_start", {
        agent: agent.id,
        session: first.session,
      }, deadline.signal);
      if ("vetoed" in verdict) return await end({ outcome: "refused", by: "session_start", reason: verdict.vetoed });
    }
    if (interrupted === undefined && input.role === "user") {
      const verdict = await deps.hooks.run("before_message", {
        agent: agent.id,
        session: first.session,
        text: input.text,
      }, deadline.signal);
      if ("vetoed" in verdict) return await end({ outcome: "refused", by: "before_message", reason: verdict.vetoed });
      input = { ...input, text: verdict.payload.text };
    }
    opening = [
      ...(interrupted === undefined
        ? [
          startTurn({
            id: turnId,
            agent: agent.id,
            sessionId: first.sessionId,
            bootId: deps.bootId,
            input,
            receivedAtMs: receivedAt,
            startedAtMs: startedAt,
            waits,
            isInherited: first.isInherited,
          }),
        ]
        : [resumeTurn(turnId, deps.bootId, startedAt)]),
      ...arrivals.map((arrival) => claimEvent(arrival.delivery.rowId, turnId)),
    ];
    // The process before may have died of it, and so may this one: the start is counted before anything else is done.
    if (first.isInherited) await journal([]);
    emit({ ...base, type: "started", answers: answers(), resumed: interrupted !== undefined });
    const profile = await deps.profiles.of(config, policy);
    const system = profile.system(first.isGroup);
    const bounds = toBounds(profile, system);
    const question = await toQuestion(input, profile);
    const window = gatherHistory(bounds, estimateMessages([question]));
    observe("prepare", clock.monotonic() - startedMs);
    const result = await runLoop({
      agent,
      profile,
      system,
      messages: [...window.messages, question],
      bounds,
      steps: interrupted?.steps ?? [],
      tainted: input.role === "user" && input.untrusted === true,
      context: {
        agent: agent.id,
        session: first.session,
        sessionId: first.sessionId,
        turnId,
        isGroup: first.isGroup,
        person: findAsker(arrivals),
        messageId: first.providerMessageId,
        chain: first.chain,
        deadlineAt: startedAt + deadlineMs,
      },
      traceparent: span.traceparent,
      signal: deadline.signal,
      journal,
      keep: (statement) => void remains.push(statement),
      absorb: takeJoining,
      emit,
    }, deps);
    observe("model", result.modelMs);
    if (result.toolsMs > 0) observe("tools", result.toolsMs);
    const after = await deps.hooks.run("after_message", {
      agent: agent.id,
      session: first.session,
      textIn: input.role === "user" ? input.text : "",
      text: result.text,
    }, deadline.signal);
    if ("vetoed" in after) return await end({ outcome: "silent", result, reason: after.vetoed });
    const { text } = after.payload;
    const silent = text.trim() === "" || first.source === "heartbeat" && nothingToSay.test(text);
    await end(silent ? { outcome: "silent", result } : { outcome: "answered", result, text });
    const grown = window.tokens + estimateMessages(toMessages([input, ...result.entries]));
    deps.compactions.consider({
      config,
      agent,
      model: policy.model,
      session: first.session,
      epoch: session.epoch,
      windowTokens: bounds.historyTokens,
      fill: window.isTrimmed ? 1 : Math.max(
        grown / bounds.historyTokens,
        (window.entries + 1 + result.entries.length) / config.memory.short_term.max_history_turns,
      ),
    });
  } catch (thrown) {
    if (signal.aborted) {
      span.end(thrown);
      throw toAppError(signal.reason);
    }
    await end(stoppable.isStopped ? { outcome: "stopped" } : { outcome: "failed", error: toAppError(thrown) });
  }

  function openSession() {
    const known = readSession(ledger.read, first.sessionId);
    const silentMs = known === undefined ? 0 : startedAt - known.lastAtMs;
    /** Nobody has ended it yet: the sweep comes once in a while. */
    const isSilent = known?.ended === false && silentMs > config.memory.short_term.session_ttl;
    const isNew = known === undefined || known.ended || isSilent;
    return { isNew, isSilent, epoch: known === undefined ? 1 : isNew ? known.epoch + 1 : known.epoch };
  }

  function toBounds(profile: Profile, system: Frame["system"]): WindowBounds & { readonly historyTokens: number } {
    const { max_history_tokens, max_tool_result_tokens } = config.memory.short_term;
    const { providerId, model, contextWindow } = profile.route;
    // From here on everything is in tokens as they are estimated.
    const factor = deps.tokens.factor(toModelName(providerId, model));
    const answer = Math.min(agent.config.max_output_tokens ?? assumedAnswerTokens, contextWindow / 2);
    const frame = deps.tokens.ofFrame({ system, tools: profile.shownTools([]) });
    const maxTokens = Math.max(leastTokens, (contextWindow - answer) / factor - frame);
    return {
      maxTokens,
      maxToolResultTokens: Math.min(max_tool_result_tokens / factor, maxTokens / 2),
      historyTokens: Math.min(max_history_tokens / factor, maxTokens * historyShare),
    };
  }

  function gatherHistory(bounds: ReturnType<typeof toBounds>, questionTokens: number): Window {
    const { maxTokens, historyTokens, maxToolResultTokens } = bounds;
    const history = session.isNew
      ? { summary: undefined, entries: first.history.map(toPriorEntry), isCut: false }
      : readHistory(ledger.read, first.session, session.epoch, config.memory.short_term.max_history_turns);
    return toWindow(history, { maxTokens: Math.min(historyTokens, maxTokens - questionTokens), maxToolResultTokens });
  }

  async function toQuestion(entry: TranscriptEntry, profile: Profile): Promise<LlmMessage> {
    if (entry.role !== "user") return { role: "user", content: [{ type: "text", text: "" }] };
    const shown: ShownAttachment[] = [];
    // One after the other: each may be large.
    for (const attachment of entry.attachments ?? []) {
      shown.push(
        await showAttachment(attachment, {
          keeper: deps.keeper,
          agent,
          sessionId: first.sessionId,
          plugin: first.session.plugin,
          instance: first.session.instance,
          seesImages: profile.route.images,
          signal: deadline.signal,
        }),
      );
    }
    input = withPaths(entry, shown);
    const notes = shown.map(({ note }) => note).filter((note) => note !== "");
    const images = shown.map(({ image }) => image).filter((image): image is LlmUserPart => image !== undefined);
    return { role: "user", content: [{ type: "text", text: [entry.text, ...notes].join("\n") }, ...images] };
  }

  function takeJoining() {
    return absorb().map((arrival) => {
      joined.push(arrival);
      const entry = toEntry([arrival]);
      return {
        entry,
        message: toMessages([entry])[0] ?? { role: "user" as const, content: [] },
        claim: claimEvent(arrival.delivery.rowId, turnId),
      };
    });
  }

  /** The tail of every turn: one unit with all that it leaves behind. */
  async function end(ending: Ending): Promise<void> {
    const commitMs = clock.monotonic();
    const nowMs = clock.now();
    const reply = toReply(ending, {
      turnId,
      first,
      answers: answers(),
      failureText: agent.config.failure_text,
      traceparent: span.traceparent,
    });
    const error = ending.outcome === "failed" ? ending.error : undefined;
    const result = "result" in ending ? ending.result : undefined;
    const outcome = ending.outcome === "refused" || ending.outcome === "stopped" ? "silent" : ending.outcome;
    const why = ending.outcome === "refused" ? ending.reason : ending.outcome === "stopped" ? stoppedText : undefined;
    const inboxOutcome: InboxOutcome = ending.outcome === "refused" ? "refused:vetoed" : outcome;
    const unit: Statement[] = [];
    const expiresAtMs = nowMs + config.runtime.outbound.max_age;
    if (reply !== undefined) unit.push(queueMessage(reply.address, reply.message, nowMs, expiresAtMs));
    const title = input.role === "user" ? withoutFence(input.text).slice(0, 80) : "";
    unit.push(...opening);
    unit.push(touchSession(first.session, session.epoch, title, nowMs));
    const append = (entry: TranscriptEntry) =>
      unit.push(appendEntry(first.session, session.epoch, turnId, entry, nowMs));
    if (ending.outcome !== "refused") append(input);
    for (const entry of result?.entries ?? []) append(entry);
    if (ending.outcome === "stopped") append({ role: "note", text: stoppedText });
    if (error !== undefined) append({ role: "note", text: `No answer could be given: ${error.message}` });
    if (result !== undefined) unit.push(...result.statements);
    if (error !== undefined || ending.outcome === "stopped") unit.push(...remains);
    if (error === undefined) {
      unit.push(...joined.map((arrival) => finishEvent(arrival.delivery.rowId, inboxOutcome, nowMs)));
    } else {
      for (const arrival of joined) unit.push(...bury(arrival, error, nowMs));
    }
    unit.push(endTurn({
      id: turnId,
      outcome,
      error: error?.message ?? why,
      provider: result?.provider,
      model: result?.model,
      inputTokens: result?.inputTokens ?? 0,
      outputTokens: result?.outputTokens ?? 0,
      costUsd: result?.costUsd,
      finishedAtMs: nowMs,
    }));
    const rows = await commit(unit);
    observe("commit", clock.monotonic() - commitMs);
    const queuedId = reply === undefined ? undefined : rows[0]?.[0]?.id;
    if (reply !== undefined && typeof queuedId === "number") {
      deps.onQueued(queuedId, reply.address, reply.message, expiresAtMs);
    }
    if (error !== undefined) {
      for (const _ of joined) metrics.count("nexo_dead_letters_total", { hop: "turn", kind: error.kind });
      turnLog.error("turn.failed", { kind: error.kind, reason: error.reason, error: error.message });
    }
    if (ending.outcome === "refused") metrics.count("nexo_refusals_total", { part: "hook", reason: ending.by });
    metrics.count("nexo_turns_total", { agent: agent.id, outcome });
    const tookMs = clock.monotonic() - startedMs;
    observe("total", tookMs);
    emit({
      ...base,
      type: "ended",
      answers: answers(),
      outcome,
      text: reply?.message.text ?? "",
      inputTokens: result?.inputTokens ?? 0,
      outputTokens: result?.outputTokens ?? 0,
      costUsd: result?.costUsd ?? null,
      tookMs,
      ...(result === undefined ? {} : { model: `${result.provider}/${result.model}` }),
      ...(why === undefined ? {} : { why }),
    });
    turnLog.info("turn.ended", { outcome, tookMs: Math.round(tookMs), messages: joined.length });
    span.end(error);
  }

  function bury(arrival: Arrival, error: AppError, nowMs: number): readonly Statement[] {
    const { event, rowId, attempts, receivedAtMs } = arrival.delivery;
    return [
      buryEvent(rowId, nowMs),
      writeDeadLetter({
        hop: "turn",
        subject: event.subject,
        eventId: event.id,
        cause: toErrorRecord(error),
        attempts: attempts + 1,
        body: JSON.stringify(event),
        agent: agent.id,
        sessionId: first.sessionId,
        firstAt: new Date(receivedAtMs).toISOString(),
        rowId,
      }, nowMs),
    ];
  }
}
