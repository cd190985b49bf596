import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError, toErrorRecord } from "../core/error.ts";
import type { Ledger, Statement } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Outbound, Receipt } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ChannelTraits } from "../core/plugin.ts";
import { parseSessionId, toSessionId } from "../core/session.ts";
import { calls } from "../core/topics.ts";
import type { Tracer } from "../core/trace.ts";
import type { Live } from "../lib/live.ts";
import { writeDeadLetter } from "../ledger/dead.ts";
import {
  markDead,
  markQueued,
  markSending,
  markSent,
  type OutboxAddress,
  type OutboxRow,
  queueMessage,
  readFate,
  readMessage,
  readOpenOutbox,
  readOutboxRow,
  toOutboxLane,
} from "../ledger/outbox.ts";
import { appendEntry, readSession } from "../ledger/sessions.ts";
import { withDeadline } from "../resilience/deadline.ts";
import { commitWhenPossible } from "./commit.ts";
import { findPolicy } from "./policy.ts";

/** What {@linkcode openOutbox} needs. */
export interface OutboxDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** How a plugin treats what it is sent twice; `undefined` for one that is not there. */
  traits(plugin: string): ChannelTraits | undefined;
}

/** Sends what is queued: in order within a conversation, side by side across them, until it is sent or dead. */
export interface Outbox extends AsyncDisposable {
  /** Takes a row that has just become durable, with the time after which it is not sent, milliseconds since the epoch. */
  push(id: number, address: OutboxAddress, message: Outbound, expiresAtMs: number): void;
  /**
   * Queues a message, where its key was not queued before, and waits until it was sent or given up, has failed for the
   * first time, or a few seconds have passed.
   */
  post(address: OutboxAddress, message: Outbound, signal: AbortSignal): Promise<Posted>;
  /** The same for a message that was queued before; `undefined` where there is none with this key. */
  findPosted(key: string, signal: AbortSignal): Promise<Posted | undefined>;
  /** Looks for rows that were not pushed: replayed dead letters. */
  rescan(): void;
  /** Waits until nothing is being sent, or until `signal` fires. What waits for its next try waits for the next start. */
  flush(signal: AbortSignal): Promise<void>;
}

/** How a message stands that was handed over with {@linkcode Outbox.post}. */
export type Posted =
  | { readonly state: "sent"; readonly receipt: Receipt }
  /** It is tried again, or on its way. */
  | { readonly state: "waiting"; readonly reason: string }
  | { readonly state: "dead"; readonly reason: string };

/** Longest time that a channel may take for one send, milliseconds. */
const sendDeadlineMs = 120_000;
const firstRetryMs = 1_000;
const firstFindRetryMs = 50;
const longestRetryMs = 300_000;
/** Tries of which nobody knows whether they showed: beyond it a person might read the same answer without end. */
const unknownTriesBound = 20;
/** Rows sent at the same time over all conversations. */
const parallelSends = 256;
/** How long whoever posts a message waits for its fate, milliseconds. */
const patienceMs = 15_000;

interface Waiting {
  readonly id: number;
  /** The row as it was queued, where it is fresh; otherwise it is read when its time comes. */
  readonly fresh: OutboxRow | undefined;
}

/** Opens the outbox and goes on with what the process before left. */
export function openOutbox(deps: OutboxDeps): Outbox {
  const { config, bus, ledger, log, metrics, clock, tracer } = deps;
  const stop = new AbortController();
  const lanes = new Map<string, Waiting[]>();
  const known = new Set<number>();
  const working = new Set<Promise<void>>();
  /** Conversations that wait for their next try. */
  let resting = 0;
  let settled = Promise.withResolvers<void>();
  const noteRest = () => {
    if (resting < lanes.size) return;
    settled.resolve();
    settled = Promise.withResolvers<void>();
  };
  const rest = async (ms: number): Promise<void> => {
    resting++;
    noteRest();
    await clock.wait(ms, stop.signal).finally(() => resting--);
  };
  /** Who waits for the fate of a message, by its key. */
  const waitingPosts = new Map<string, (posted: Posted) => void>();
  const tell = ({ message: { key } }: OutboxRow, posted: Posted) => waitingPosts.get(key)?.(posted);
  let sending = 0;
  let sendFree: (() => void)[] = [];

  const enqueue = (lane: string, waiting: Waiting) => {
    if (stop.signal.aborted || known.has(waiting.id)) return;
    known.add(waiting.id);
    const queue = lanes.get(lane);
    if (queue !== undefined) {
      queue.push(waiting);
      return;
    }
    const opened = [waiting];
    lanes.set(lane, opened);
    const done = work(lane, opened).catch((thrown) => {
      if (!stop.signal.aborted) log.error("outbox.lane_failed", { error: toAppError(thrown).message });
    }).finally(() => working.delete(done));
    working.add(done);
  };

  const work = async (lane: string, queue: Waiting[]): Promise<void> => {
    try {
      for (let head = queue[0]; head !== undefined && !stop.signal.aborted; head = queue[0]) {
        await settle(head);
        queue.shift();
        known.delete(head.id);
      }
    } finally {
      // Here and not when the promise has settled, as a row may be queued in between.
      for (const left of queue) known.delete(left.id);
      lanes.delete(lane);
      noteRest();
    }
  };

  /** What stands behind a row that the ledger does not give away for a moment must not overtake it. */
  const settle = async ({ id, fresh }: Waiting): Promise<void> => {
    let given = fresh;
    for (let waitMs = firstRetryMs;; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      try {
        const row = given ?? readOutboxRow(ledger.read, id);
        return row === undefined ? undefined : await deliver(row, given === undefined);
      } catch (thrown) {
        stop.signal.throwIfAborted();
        log.error("outbox.row_failed", { row: id, error: toAppError(thrown).message });
      }
      given = undefined;
      await rest(waitMs);
    }
  };

  const commit = (unit: readonly Statement[]) => commitWhenPossible({ ledger, clock }, unit, stop.signal);
  const countEnd = (row: OutboxRow, result: string) =>
    metrics.count("nexo_outbound_total", { plugin: row.plugin, instance: row.instance, result });

  /** Brings one row to its end. */
  const deliver = async (row: OutboxRow, isOld: boolean): Promise<void> => {
    const idempotent = deps.traits(row.plugin)?.idempotentSend ?? false;
    let attempts = row.attempts;
    // A send was under way when the process died. An idempotent channel shows the same key once.
    if (isOld && row.state === "sending" && !idempotent) {
      if (await settleUnknown(row, "the process ended while this was being sent")) return;
    }
    let unknownTries = 0;
    for (let waitMs = firstRetryMs;; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      if (clock.now() > row.expiresAtMs) return await bury(row, newExpiredError(row), attempts);
      let error: AppError;
      try {
        if (!idempotent) await commit([markSending(row.id)]);
        attempts++;
        const receipt = await send(row);
        await commit([markSent(row.id, receipt, clock.now())]);
        countEnd(row, "sent");
        return tell(row, { state: "sent", receipt });
      } catch (thrown) {
        stop.signal.throwIfAborted();
        error = toAppError(thrown);
      }
      const unknown = !idempotent && isOutcomeUnknown(error);
      if (unknown && await settleUnknown(row, error.message)) return;
      if (unknown) unknownTries++;
      if (!isWorthRetry(error) || unknownTries >= unknownTriesBound) return await bury(row, error, attempts);
      if (!idempotent && !unknown) await commit([markQueued(row.id, error.message, false)]);
      tell(row, { state: "waiting", reason: error.message });
      metrics.count("nexo_outbound_retries_total", { plugin: row.plugin, instance: row.instance });
      log.info("outbox.retry", {
        turn: row.message.turnId,
        plugin: row.plugin,
        instance: row.instance,
        row: row.id,
        attempts,
        reason: error.kind,
      });
      await rest(Math.max(error.retryAfterMs ?? 0, waitMs * (0.5 + Math.random() / 2)));
    }
  };

  const send = async (row: OutboxRow): Promise<Receipt> => {
    if (sending >= parallelSends) await new Promise<void>((resolve) => sendFree.push(resolve));
    sending++;
    const span = tracer.start("send", {
      traceparent: row.message.traceparent,
      kind: "producer",
      attributes: { plugin: row.plugin, instance: row.instance },
    });
    using deadline = withDeadline(stop.signal, sendDeadlineMs, clock, `Sending through ${row.plugin}.${row.instance}`);
    try {
      const receipt = await bus.request(calls.send(row.plugin, row.instance), row.message, { signal: deadline.signal });
      span.end();
      return receipt;
    } catch (thrown) {
      span.end(thrown);
      throw thrown;
    } finally {
      sending--;
      sendFree.shift()?.();
    }
  };

  /** Nobody knows whether it arrived, and the policy is to ask the operator: replaying its dead letter sends it again. */
  function newHeldError(why: string): AppError {
    return new AppError(
      "timeout",
      `Nobody knows whether the reply arrived: ${why}. Replay it to send it again, or purge it`,
      {
        reason: "held_unknown",
      },
    );
  }

  /** The provider may have taken the message: nobody knows. Gives whether the row needs nothing more. */
  const settleUnknown = async (row: OutboxRow, why: string): Promise<boolean> => {
    const found = await findSend(row);
    if (found !== undefined) {
      await commit([markSent(row.id, found, clock.now())]);
      log.info("outbox.found_sent", {
        plugin: row.plugin,
        instance: row.instance,
        row: row.id,
        turn: row.message.turnId,
      });
      countEnd(row, "sent");
      tell(row, { state: "sent", receipt: found });
      return true;
    }
    log.warn("outbox.unknown", { plugin: row.plugin, instance: row.instance, row: row.id, turn: row.message.turnId });
    countEnd(row, "unknown");
    await commit([markQueued(row.id, why, true)]);
    if (policyFor(row) === "resend") return false;
    await bury(row, newHeldError(why), row.attempts);
    return true;
  };

  /** Asks the channel until it can answer: right after a start its worker may still be on its way. */
  const findSend = async (row: OutboxRow): Promise<Receipt | undefined> => {
    const call = calls.find(row.plugin, row.instance);
    for (let waitMs = firstFindRetryMs;; waitMs = Math.min(waitMs * 2, longestRetryMs)) {
      using deadline = withDeadline(stop.signal, sendDeadlineMs, clock, "Looking for a send");
      try {
        return (await bus.request(call, { key: row.message.key }, { signal: deadline.signal })).receipt;
      } catch (thrown) {
        stop.signal.throwIfAborted();
        const error = toAppError(thrown);
        if (!isWorthRetry(error) || clock.now() > row.expiresAtMs) return undefined;
        log.debug("outbox.find_failed", { plugin: row.plugin, error: error.message });
      }
      await rest(waitMs);
    }
  };

  const policyFor = (row: OutboxRow): "resend" | "hold" =>
    findPolicy(config.current, row.plugin, row.instance)?.binding?.unknown_send ??
      config.current.runtime.outbound.unknown_send;

  /** The message will not arrive: the operator finds a letter, the agent a note in its transcript. */
  const bury = async (row: OutboxRow, error: AppError, attempts: number): Promise<void> => {
    const nowMs = clock.now();
    const session = parseSessionId(row.message.sessionId);
    const epoch = readSession(ledger.read, row.message.sessionId)?.epoch;
    const note = `The reply "${row.message.text.slice(0, 120)}" could not be delivered: ${error.message}`;
    await commit([
      markDead(row.id, error.message, nowMs),
      writeDeadLetter({
        hop: "outbound",
        subject: calls.send(row.plugin, row.instance).subject,
        eventId: row.message.key,
        cause: toErrorRecord(error),
        attempts,
        body: JSON.stringify(row.message),
        sessionId: row.message.sessionId,
        ...(session === undefined ? {} : { agent: session.agent }),
        firstAt: new Date(row.createdAtMs).toISOString(),
        rowId: row.id,
      }, nowMs),
      ...(session === undefined || epoch === undefined
        ? []
        : [appendEntry(session, epoch, row.message.turnId, { role: "note", text: note }, nowMs)]),
    ]);
    metrics.count("nexo_dead_letters_total", { hop: "outbound", kind: error.kind });
    countEnd(row, "dead");
    tell(row, { state: "dead", reason: error.message });
    log.error("outbox.dead", {
      turn: row.message.turnId,
      plugin: row.plugin,
      instance: row.instance,
      row: row.id,
      kind: error.kind,
      error: error.message,
    });
  };

  const rescan = () => {
    for (const { id, lane } of readOpenOutbox(ledger.read)) {
      enqueue(lane, { id, fresh: undefined });
    }
  };
  rescan();

  const push = (id: number, address: OutboxAddress, message: Outbound, expiresAtMs: number) => {
    const fresh: OutboxRow = {
      id,
      ...address,
      state: "queued",
      unknown: false,
      attempts: 0,
      createdAtMs: clock.now(),
      expiresAtMs,
      message,
    };
    const lane = toOutboxLane(address, message.conversation);
    // Behind others it waits in the ledger, not in memory: a channel may be down for hours.
    enqueue(lane, { id, fresh: lanes.has(lane) ? undefined : fresh });
  };

  const post = async (address: OutboxAddress, message: Outbound, signal: AbortSignal): Promise<Posted> => {
    const nowMs = clock.now();
    const expiresAtMs = nowMs + config.current.runtime.outbound.max_age;
    const [[row] = []] = await commitWhenPossible({ ledger, clock }, [
      queueMessage(address, message, nowMs, expiresAtMs),
      ...toTrace(address, message, nowMs),
    ], signal);
    return await waitForFate(message.key, signal, () => {
      if (row !== undefined) push(Number(row.id), address, message, expiresAtMs);
    });
  };

  /** Waits for what becomes of a queued message after `begin`, for a while. */
  const waitForFate = async (key: string, signal: AbortSignal, begin: () => void): Promise<Posted> => {
    const { promise, resolve } = Promise.withResolvers<Posted>();
    waitingPosts.set(key, resolve);
    try {
      begin();
      const known = readFate(ledger.read, key);
      if (known !== undefined) return known;
      using patience = withDeadline(signal, patienceMs, clock, "Sending");
      const onLate = () => resolve({ state: "waiting", reason: "it is on its way" });
      if (patience.signal.aborted) onLate();
      else patience.signal.addEventListener("abort", onLate, { once: true });
      return await promise;
    } finally {
      waitingPosts.delete(key);
    }
  };

  /** What was said elsewhere stands in the transcript of the conversation that it was said in, where there is one. */
  function toTrace(address: OutboxAddress, message: Outbound, nowMs: number): readonly Statement[] {
    const { key, sessionId, conversation, thread, turnId, text } = message;
    const agent = parseSessionId(sessionId)?.agent;
    if (agent === undefined) return [];
    const there = { agent, ...address, conversation, ...(thread === undefined ? {} : { thread }) };
    const known = readSession(ledger.read, toSessionId(there));
    if (known === undefined || toSessionId(there) === sessionId) return [];
    if (readMessage(ledger.read, key) !== undefined) return [];
    const note = `From another conversation you wrote here: ${text}`;
    return [appendEntry(there, known.epoch, turnId, { role: "note", text: note }, nowMs)];
  }

  return {
    push,
    post,
    findPosted: (key, signal) =>
      readMessage(ledger.read, key) === undefined
        ? Promise.resolve(undefined)
        : waitForFate(key, signal, () => {/* it was queued before */}),
    rescan,
    async flush(signal) {
      if (signal.aborted || resting >= lanes.size) return;
      const { promise: aborted, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve(), { once: true });
      await Promise.race([settled.promise, aborted]);
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new AppError("cancelled", "The outbox is closing"));
      const waiters = sendFree;
      sendFree = [];
      for (const free of waiters) free();
      await Promise.all(working);
    },
  };
}

/** The provider may have taken the message, and nobody can tell: the answer came too late or got lost. */
function isOutcomeUnknown(error: AppError): boolean {
  return error.kind === "timeout" || error.reason === "outcome_unknown";
}

/** Also when nobody answers: a plugin that is not there now may be after a change of the config. */
function isWorthRetry(error: AppError): boolean {
  return error.kind === "unavailable" || error.kind === "timeout" || error.kind === "bug" ||
    error.reason === "no_answerer";
}

function newExpiredError(row: OutboxRow): AppError {
  const since = new Date(row.createdAtMs).toISOString();
  return new AppError("timeout", `The reply waits since ${since} and is too old to be sent by surprise`, {
    reason: "expired",
  });
}
