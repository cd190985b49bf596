import type { AgentConfig } from "../config/agents.ts";
import type { Config } from "../config/config.ts";
import type { Bus, BusEvent, Delivery } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError, toErrorRecord } from "../core/error.ts";
import type { Ledger, Statement } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { type Outbound, toRefusalKey } from "../core/message.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Topic } from "../core/topic.ts";
import { type InboundEvent, inboundEventSchema, routeEventSchema, topics } from "../core/topics.ts";
import type { Tracer } from "../core/trace.ts";
import type { Live } from "../lib/live.ts";
import { writeDeadLetter } from "../ledger/dead.ts";
import { buryEvent, finishEvent, type InboxOutcome } from "../ledger/inbox.ts";
import { queueMessage } from "../ledger/outbox.ts";
import { type Bucket, newBucket } from "../resilience/bucket.ts";
import { agentOf, type Arrival, type ReplyAddress, toArrival } from "./arrival.ts";
import { commitWhenPossible } from "./commit.ts";
import { findTaskRefusal, type Results } from "./delegate.ts";
import type { Offer, Pairing } from "./pairing.ts";
import { findPolicy, findRefusal, isInnerPlugin } from "./policy.ts";

/** The durable consumers of the agents: one for each kind of event. */
export const agentConsumers = [
  { name: "agents.inbound", pattern: topics.inbound("*", "*").subject },
  { name: "agents.route", pattern: topics.route("*").subject },
  { name: "agents.heartbeat", pattern: topics.heartbeat("*").subject },
] as const;

/** What {@linkcode newInbox} needs. */
export interface InboxDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly results: Results;
  readonly pairing: Pairing;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Newest inbox row that was there when the process began. */
  readonly newestInheritedRow: number;
  /** Told about each outbox row as soon as it is durable, and when it is too old to be sent, milliseconds since the epoch. */
  onQueued(id: number, address: ReplyAddress, message: Outbound, expiresAtMs: number): void;
}

/** Decides about every accepted event: whose it is, whether its sender may talk. */
export interface Inbox {
  /** Takes events until `signal` fires and hands what is to be answered to `push`. */
  run(push: (arrival: Arrival) => void, signal: AbortSignal): Promise<void>;
  /** What a stored event asks for, or `undefined` where it asks nothing of an agent. */
  toArrival(delivery: Delivery): Arrival | undefined;
  /** Whether an arrival may be answered now. */
  mayJoin(arrival: Arrival): boolean;
  /**
   * Asks again right before the turn, since the config or the operator's word may have changed: ends the arrival where
   * it may not be answered now, and keeps it for later where nobody can tell.
   */
  isStillAllowed(arrival: Arrival): Promise<boolean>;
}

/** Buckets of senders kept; beyond it the oldest are forgotten, which only favours a sender. */
const bucketBound = 50_000;
/** Between publishing and accepting lies no more, unless a message was replayed. */
const heldUpAfterMs = 1_000;
/** Reason of a message about whose sender nothing can be read: it is neither answered nor finished. */
const unreadable = "pairing_unreadable";
const firstHoldMs = 100;
const longestHoldMs = 5_000;

/** Makes the agents' {@linkcode Inbox}. */
export function newInbox(deps: InboxDeps): Inbox {
  const { config, bus, ledger, log, metrics, clock } = deps;
  const buckets = new Map<string, Bucket>();
  const closing = new AbortController();
  const commit = (unit: readonly Statement[]) => commitWhenPossible({ ledger, clock }, unit, closing.signal);

  const finish = async (delivery: Delivery, outcome: InboxOutcome): Promise<void> => {
    await commit([finishEvent(delivery.rowId, outcome, clock.now())]);
  };

  const asArrival = (delivery: Delivery) => toArrival(delivery, config.current, deps.newestInheritedRow);

  /** Messages about whose senders nothing could be read, oldest first. They wait in the ledger as accepted. */
  const held: Delivery[] = [];
  let wakeHeld = () => {};

  const countRefusal = (reason: string) => metrics.count("nexo_refusals_total", { part: "inbox", reason });

  const hold = (delivery: Delivery): void => {
    countRefusal(unreadable);
    log.error("inbox.held", { reason: unreadable, subject: delivery.event.subject });
    held.push(delivery);
    held.sort((a, b) => a.rowId - b.rowId);
    wakeHeld();
  };

  const refuse = async (delivery: Delivery, reason: string, arrival: Arrival): Promise<void> => {
    const offer = reason === "sender_unknown" ? toOffer(delivery) : undefined;
    if (offer !== undefined) return await finishRefusal(delivery, "pairing_code_given", arrival, offer);
    await finishRefusal(delivery, reason === "sender_unknown" ? "pairing_rate" : reason, arrival);
  };

  const toOffer = (delivery: Delivery): Offer | undefined => {
    const inbound = inboundEventSchema.parse(delivery.event.payload);
    const policy = findPolicy(config.current, inbound.plugin, inbound.instance);
    return policy && deps.pairing.offer(policy, inbound);
  };

  const finishRefusal = async (
    delivery: Delivery,
    reason: string,
    arrival: Arrival,
    offer?: Offer,
  ): Promise<void> => {
    const { plugin, instance } = arrival.session;
    countRefusal(reason);
    // The sender's id is what an operator needs to let somebody in.
    log.info("message.refused", {
      reason,
      plugin,
      subject: delivery.event.subject,
      sender: senderOf(delivery.event.payload),
    });
    const nowMs = clock.now();
    const expiresAtMs = offer?.expiresAtMs ?? nowMs + config.current.runtime.outbound.max_age;
    const answer = toAnswer(arrival, reason, offer);
    const unit: Statement[] = answer === undefined
      ? []
      : [queueMessage(answer.address, answer.message, nowMs, expiresAtMs)];
    const rows = await commit([
      ...unit,
      ...offer?.statements ?? [],
      finishEvent(delivery.rowId, `refused:${reason}`, nowMs),
    ]);
    if (offer !== undefined) metrics.count("nexo_pairing_total", { plugin, instance, event: "code_given" });
    const id = rows[0]?.[0]?.id;
    if (answer !== undefined && typeof id === "number") {
      deps.onQueued(id, answer.address, answer.message, expiresAtMs);
    }
  };

  const isWithinRate = (rate: AgentConfig["sender_rate_limit"], key: string): boolean => {
    if (rate === undefined) return true;
    const full = `${key} ${rate.rps} ${rate.burst}`;
    let bucket = buckets.get(full);
    if (bucket === undefined) {
      const [oldest] = buckets.keys();
      if (buckets.size >= bucketBound && oldest !== undefined) buckets.delete(oldest);
      bucket = newBucket({ ...rate, clock });
      buckets.set(full, bucket);
    }
    return bucket.tryTake().ok;
  };

  const isExpired = ({ expiresAt }: BusEvent) => expiresAt !== undefined && Date.parse(expiresAt) < clock.now();

  /** Why an event is not answered, as of now. @throws {AppError} reason `pairing_unreadable` where nobody can tell. */
  const findReason = (delivery: Delivery): string | undefined => {
    const { payload } = delivery.event;
    const inbound = inboundEventSchema.safeParse(payload);
    if (inbound.success) return findMessageReason(delivery, inbound.data);
    const route = routeEventSchema.safeParse(payload);
    if (route.success && route.data.kind !== "result") {
      return findTaskRefusal(config.current, agentOf(delivery), route.data);
    }
    return config.current.agents.some((agent) => agent.id === agentOf(delivery)) ? undefined : "no_agent";
  };

  const findMessageReason = (delivery: Delivery, event: InboundEvent): string | undefined => {
    const policy = findPolicy(config.current, event.plugin, event.instance);
    if (policy === undefined) return "no_binding";
    const reason = findRefusal(policy, event.message);
    if (reason !== "sender_not_allowed") return reason;
    // What came later must not overtake what is held; what was admitted already need not wait for what came after it.
    const [oldest] = held;
    if (oldest !== undefined && oldest.rowId < delivery.rowId) throw newUnreadableError();
    try {
      return deps.pairing.findRefusal(policy, event);
    } catch (thrown) {
      throw newUnreadableError(thrown);
    }
  };

  const admit = async (delivery: Delivery, push: (arrival: Arrival) => void): Promise<void> => {
    const { event } = delivery;
    if (isExpired(event)) return await finish(delivery, "expired");
    const route = routeEventSchema.safeParse(event.payload);
    if (route.success && route.data.kind === "result") {
      deps.results.settle(event.correlationId ?? "", route.data);
      return await finish(delivery, "delivered");
    }
    const arrival = asArrival(delivery);
    if (arrival === undefined) return await bury(delivery);
    const { plugin } = arrival.session;
    // A turn that had begun was admitted before the process died.
    if (delivery.turnId !== undefined) return push(arrival);
    const reason = findReason(delivery);
    if (reason !== undefined) return await refuse(delivery, reason, arrival);
    const policy = findPolicy(config.current, plugin, arrival.session.instance);
    const sender = `${arrival.session.agent} ${plugin} ${arrival.session.instance} ${senderOf(event.payload)}`;
    const isFresh = arrival.source === "message" && !held.includes(delivery) && !wasHeldUp(arrival);
    if (isFresh && !isWithinRate(policy?.senderRate, sender)) return await refuse(delivery, "sender_rate", arrival);
    const span = deps.tracer.start("receive", {
      traceparent: arrival.traceparent,
      kind: "server",
      attributes: { plugin, agent: arrival.session.agent },
    });
    span.end();
    push(span.traceparent === undefined ? arrival : { ...arrival, traceparent: span.traceparent });
  };

  /** Asks about held messages until something can be read, one after the other. */
  const admitHeld = async (push: (arrival: Arrival) => void, signal: AbortSignal): Promise<void> => {
    signal.addEventListener("abort", () => wakeHeld(), { once: true });
    for (let waitMs = firstHoldMs; !signal.aborted;) {
      const [head] = held;
      if (head === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wakeHeld = resolve;
        await promise;
      } else if (await isDecided(head, push, signal)) {
        held.splice(held.indexOf(head), 1);
        waitMs = firstHoldMs;
      } else {
        await clock.wait(waitMs, signal);
        waitMs = Math.min(waitMs * 2, longestHoldMs);
      }
    }
  };

  /** Admits or refuses. Gives `false` where nobody can tell now which of the two. */
  const isDecided = async (
    delivery: Delivery,
    push: (arrival: Arrival) => void,
    signal: AbortSignal,
  ): Promise<boolean> => {
    try {
      await admit(delivery, push);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.reason === unreadable) return false;
      // The row stays accepted; the next start sees it again.
      if (!signal.aborted) log.error("inbox.failed", { error: error.message, subject: delivery.event.subject });
    }
    return true;
  };

  /** An event that nobody can read: the operator finds it among the dead letters. */
  const bury = async (delivery: Delivery): Promise<void> => {
    const { event, rowId, attempts, receivedAtMs } = delivery;
    const error = new AppError("invalid", `The event on ${event.subject} has no shape that an agent understands`, {
      reason: "bad_payload",
    });
    await commit([
      buryEvent(rowId, clock.now()),
      writeDeadLetter({
        hop: "inbound",
        subject: event.subject,
        eventId: event.id,
        cause: toErrorRecord(error),
        attempts,
        body: JSON.stringify(event),
        firstAt: new Date(receivedAtMs).toISOString(),
        rowId,
      }, clock.now()),
    ]);
    metrics.count("nexo_dead_letters_total", { hop: "inbound", kind: error.kind });
  };

  return {
    toArrival: asArrival,
    mayJoin({ delivery }) {
      try {
        return findReason(delivery) === undefined;
      } catch {
        return false; // what waits for a turn of its own is asked about again
      }
    },
    async isStillAllowed(arrival) {
      if (isExpired(arrival.delivery.event)) {
        await finish(arrival.delivery, "expired");
        return false;
      }
      try {
        const reason = findReason(arrival.delivery);
        if (reason === undefined) return true;
        await refuse(arrival.delivery, reason, arrival);
      } catch (thrown) {
        if (toAppError(thrown).reason !== unreadable) throw thrown;
        hold(arrival.delivery);
      }
      return false;
    },
    async run(push, signal) {
      signal.addEventListener("abort", () => closing.abort(signal.reason), { once: true });
      const take = async <T>(name: string, topic: Topic<T>): Promise<void> => {
        for await (const delivery of bus.consume(topic, { name, signal })) {
          if (!await isDecided(delivery, push, signal)) hold(delivery);
        }
      };
      const [inbound, route, heartbeat] = agentConsumers;
      await Promise.all([
        take(inbound.name, topics.inbound("*", ">")),
        take(route.name, topics.route("*")),
        take(heartbeat.name, topics.heartbeat("*")),
        admitHeld(push, signal),
      ]);
    },
  };
}

/** Whether a message comes later than its sender wrote it: left by the process before, or replayed. */
function wasHeldUp({ isInherited, delivery }: Arrival): boolean {
  return isInherited || delivery.receivedAtMs - Date.parse(delivery.event.at) > heldUpAfterMs;
}

function newUnreadableError(cause?: unknown): AppError {
  return new AppError("unavailable", "Nobody can tell whether the sender may talk: the ledger cannot be read", {
    reason: unreadable,
    cause,
  });
}

/** What somebody turned away is told: a code, or, on a line inside the process, why; else nothing. */
function toAnswer(
  arrival: Arrival,
  reason: string,
  offer: Offer | undefined,
): { readonly address: ReplyAddress; readonly message: Outbound } | undefined {
  const address = arrival.reply;
  // Whoever waits on a line inside the process must not wait for ever.
  if (address === undefined || (offer === undefined && !isInnerPlugin(address.plugin))) return undefined;
  const message = {
    key: toRefusalKey(arrival.delivery.event.id),
    conversation: address.conversation,
    ...(address.thread === undefined ? {} : { thread: address.thread }),
    sessionId: arrival.sessionId,
    turnId: "",
    inReplyTo: arrival.providerMessageId === undefined ? [] : [arrival.providerMessageId],
  };
  if (offer !== undefined) return { address, message: { ...message, text: offer.text, outcome: "answered" } };
  const text = `The message was refused: ${reason.replaceAll("_", " ")}`;
  return { address, message: { ...message, text, outcome: "failed", error: { kind: "denied", message: text } } };
}

function senderOf(payload: unknown): string {
  const inbound = inboundEventSchema.safeParse(payload);
  return inbound.success ? inbound.data.message.sender.id : "";
}
