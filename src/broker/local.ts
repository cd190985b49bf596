import { AppError, toAppError } from "../core/error.ts";
import type {
  Bus,
  BusEvent,
  BusStatus,
  Delivery,
  EventMeta,
  ProviderKey,
  Published,
  Subscription,
} from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import type { Ledger, Row } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { type Call, subjectMatches, type Topic } from "../core/topic.ts";
import { newId } from "../lib/id.ts";
import { type Live, newLive } from "../lib/live.ts";
import { acceptEvent } from "../ledger/inbox.ts";
import { type DurableConsumer, type Feed, newFeed } from "./feed.ts";
import { newSubscribers, newSubscription } from "./subscribers.ts";
import { newTraffic, type Traffic } from "./traffic.ts";

/** What {@linkcode openLocalBus} needs. */
export interface LocalBusDeps {
  readonly ledger: Ledger;
  readonly consumers: readonly DurableConsumer[];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A durable event that came from another process, checked. */
export interface ReceivedEvent {
  readonly event: BusEvent;
  readonly providerKey: ProviderKey | undefined;
}

/** The bus inside the process. */
export interface LocalBus extends Bus {
  /**
   * Stores an event that exists already, as it came from another process.
   *
   * @throws {AppError} `missing` where no consumer is declared for its subject; `unavailable` when nothing can be stored.
   */
  accept(event: BusEvent, providerKey: ProviderKey | undefined): Promise<Published>;
  /** The same for several events, in one unit: all or none. Gives what became of each. */
  acceptAll(arrivals: readonly ReceivedEvent[]): Promise<readonly Published[]>;
  /** Shows an ephemeral event to everybody here who listens. */
  emit(event: BusEvent): void;
  /** Patterns on which somebody in this process listens. */
  readonly listening: Live<ReadonlySet<string>>;
  /**
   * Shows an ephemeral event of another process to whoever listens here on exactly this pattern, where it has the shape
   * that they expect.
   */
  show(pattern: string, event: BusEvent): void;
  /** Subjects on which somebody in this process answers. */
  readonly answering: Live<ReadonlySet<string>>;
  /**
   * Lets whoever answers here answer a question of another process.
   *
   * @throws {AppError} `invalid` for an input that is not the call's; `missing` when nobody answers; else what they threw.
   */
  answer(subject: string, input: unknown, signal: AbortSignal): Promise<unknown>;
  /** Looks for ready rows that were not accepted through this bus: replayed dead letters. */
  rescan(): void;
  /** What goes over each subject. */
  readonly traffic: Traffic;
}

/** Opens the bus inside the process: durable events go through the ledger's inbox, ephemeral ones straight across. */
export function openLocalBus({ ledger, consumers, log, metrics, clock }: LocalBusDeps): LocalBus {
  const status = newLive<BusStatus>({ mode: "local" });
  const traffic = newTraffic(clock);
  const feeds = new Map(
    consumers.map((consumer) => [consumer.name, newFeed(consumer, { ledger, log, clock, onDelivery: traffic.went })]),
  );
  const subscribers = newSubscribers();
  const answerers = new Map<string, Answerer>();
  const answering = newLive<ReadonlySet<string>>(new Set());
  const noteAnswerers = () => answering.set(new Set(answerers.keys()));
  const closing = new AbortController();
  /** Newest inbox row that this bus knows of. */
  let newestRow = 0;

  const targetsOf = (subject: string): readonly Feed[] => {
    const targets = [...feeds.values()].filter((feed) => subjectMatches(feed.pattern, subject));
    if (targets.length > 0) return targets;
    throw new AppError("missing", `Cannot publish on ${subject}: it is durable and nobody consumes it`);
  };

  const acceptAll = async (arrivals: readonly ReceivedEvent[]): Promise<readonly Published[]> => {
    const nowMs = clock.now();
    const aimed = arrivals.map((arrival) => ({ ...arrival, targets: targetsOf(arrival.event.subject) }));
    const rows = await ledger.commit(
      aimed.flatMap(({ event, providerKey, targets }) =>
        targets.map((feed) => acceptEvent(feed.name, event, providerKey, nowMs))
      ),
    );
    let at = 0;
    return aimed.map(({ event, providerKey, targets }) =>
      handOn(event, providerKey, targets, rows.slice(at, at += targets.length), nowMs)
    );
  };

  /** Hands an accepted event to its consumers. */
  const handOn = (
    event: BusEvent,
    key: ProviderKey | undefined,
    targets: readonly Feed[],
    rows: readonly (readonly Row[])[],
    nowMs: number,
  ): Published => {
    let accepted = 0;
    for (const [index, feed] of targets.entries()) {
      const id = rows[index]?.[0]?.id;
      if (typeof id !== "number") continue;
      accepted++;
      // Numbers follow each other, so a gap is a replayed row: consumers must find it before they pass its number.
      if (id !== newestRow + 1) { for (const one of feeds.values()) one.rescan(); }
      newestRow = id;
      feed.push({ event, rowId: id, receivedAtMs: nowMs, turnId: undefined, attempts: 0 });
    }
    if (accepted > 0) traffic.came(event.subject);
    if (key !== undefined) {
      const labels = { plugin: key.plugin, instance: key.instance };
      metrics.count(accepted === 0 ? "nexo_dedupe_hits_total" : "nexo_inbound_total", labels);
    }
    return { duplicate: accepted === 0 };
  };

  const accept = async (event: BusEvent, providerKey: ProviderKey | undefined): Promise<Published> => {
    const [published] = await acceptAll([{ event, providerKey }]);
    return published ?? { duplicate: false };
  };

  const emit = (event: BusEvent): void => {
    const listeners = subscribers.on(event.subject);
    traffic.came(event.subject);
    traffic.went(event.subject, listeners.size);
    for (const push of listeners) push(event);
  };

  /** Asks an answerer, counted on both sides. */
  const ask = async (subject: string, asked: Promise<unknown>): Promise<unknown> => {
    traffic.came(subject);
    const answered = await asked;
    traffic.went(subject);
    return answered;
  };

  const findAnswerer = (subject: string): Answerer => {
    const answerer = answerers.get(subject);
    if (answerer !== undefined) return answerer;
    throw new AppError("missing", `Nobody answers on ${subject}. Is the plugin configured and running?`, {
      reason: "no_answerer",
    });
  };

  return {
    status,
    accept,
    acceptAll,
    emit,
    listening: subscribers.patterns,
    show(pattern, event) {
      traffic.came(event.subject);
      for (const { push, payload } of subscribers.of(pattern)) {
        if (!payload.safeParse(event.payload).success) continue;
        push(event);
        traffic.went(event.subject);
      }
    },
    answering,
    async answer(subject, input, signal) {
      const { call, answer } = findAnswerer(subject);
      return await ask(subject, answer(parsePayload({ subject, payload: call.input }, input), signal));
    },
    async publish(topic, payload, meta = {}) {
      requirePublishable(topic.subject);
      if (topic.durable) {
        return await accept(
          newEvent({ ...topic, payload: parsePayload(topic, payload) }, meta, clock.now()),
          meta.providerKey,
        );
      }
      if (subscribers.on(topic.subject).size === 0) traffic.came(topic.subject);
      else emit(newEvent({ subject: topic.subject, payload }, meta, clock.now()));
      return { duplicate: false };
    },
    subscribe<T>(topic: Topic<T>, options: { signal?: AbortSignal; buffer?: number } = {}) {
      const onDrop = () => log.warn("bus.subscriber_slow", { subject: topic.subject });
      // What travels on a topic's subject was published with that topic, so it has its shape.
      return newSubscription(topic, subscribers, options, onDrop) as Subscription<T>;
    },
    consume<T>(topic: Topic<T>, { name, signal }: { name: string; signal: AbortSignal }) {
      const feed = feeds.get(name);
      if (feed === undefined) throw new AppError("bug", `Cannot consume as "${name}": it is not a declared consumer`);
      // Accepted with the topic's schema, see publish().
      return feed.deliveries(topic.subject, AbortSignal.any([signal, closing.signal])) as AsyncIterable<Delivery<T>>;
    },
    async request<I, O>(call: Call<I, O>, input: I, { signal }: { signal: AbortSignal }) {
      signal.throwIfAborted();
      const { answer } = findAnswerer(call.subject);
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const abort = () => reject(toAppError(signal.reason));
      signal.addEventListener("abort", abort, { once: true });
      try {
        // The answerer was registered with this call, so it gives the call's output.
        return await ask(call.subject, Promise.race([answer(input, signal), aborted])) as O;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    respond(call, answer) {
      if (answerers.has(call.subject)) {
        throw new AppError("conflict", `Cannot answer on ${call.subject}: somebody does already`);
      }
      // request() asks with the same call, so the input has its shape.
      const erased = answer as (input: unknown, signal: AbortSignal) => Promise<unknown>;
      const answerer: Answerer = { call, answer: erased };
      answerers.set(call.subject, answerer);
      noteAnswerers();
      return {
        [Symbol.asyncDispose]: () => {
          if (answerers.get(call.subject) === answerer) answerers.delete(call.subject);
          noteAnswerers();
          return Promise.resolve();
        },
      };
    },
    rescan() {
      for (const feed of feeds.values()) feed.rescan();
    },
    traffic,
    [Symbol.asyncDispose]: () => {
      closing.abort(new AppError("cancelled", "The bus is closing"));
      subscribers.closeAll();
      answerers.clear();
      noteAnswerers();
      return Promise.resolve();
    },
  };
}

/** Makes an event of a payload and of what its publisher says about it. */
export function newEvent<T>(
  { subject, payload }: { readonly subject: string; readonly payload: T },
  meta: EventMeta,
  nowMs: number,
): BusEvent<T> {
  return {
    id: meta.id ?? newId(nowMs),
    subject,
    source: meta.source ?? "runtime",
    at: new Date(nowMs).toISOString(),
    ...(meta.correlationId === undefined ? {} : { correlationId: meta.correlationId }),
    ...(meta.causationId === undefined ? {} : { causationId: meta.causationId }),
    ...(meta.expiresAt === undefined ? {} : { expiresAt: meta.expiresAt }),
    ...(meta.traceparent === undefined ? {} : { traceparent: meta.traceparent }),
    payload,
  };
}

/** @throws {AppError} `invalid` for a subject that nothing can be published on. */
export function requirePublishable(subject: string): void {
  if (!/[*>\s]|^$/.test(subject)) return;
  throw new AppError("invalid", `Cannot publish on "${subject}": wildcards and spaces are for listeners`);
}

/** Checks a payload against its topic. @throws {AppError} `invalid` naming the first fault. */
export function parsePayload<T>(topic: Pick<Topic<T>, "subject" | "payload">, payload: unknown): T {
  const parsed = topic.payload.safeParse(payload);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? "" : `: ${issue.path.join(".") || "payload"} ${issue.message}`;
  throw new AppError("invalid", `Cannot publish on ${topic.subject}${where}`, { reason: "bad_payload" });
}

interface Answerer {
  readonly call: Pick<Call<unknown, unknown>, "input">;
  answer(input: unknown, signal: AbortSignal): Promise<unknown>;
}
