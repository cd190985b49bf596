import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConfig } from "../config/broker.ts";
import type { Bus, BusEvent, BusStatus, Published } from "../core/bus.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";
import { subjectMatches } from "../core/topic.ts";
import type { Live } from "../lib/live.ts";
import { type DurableSubject, readEphemeralText } from "./envelope.ts";
import { newArrivals } from "./arrivals.ts";
import { consumeSubject } from "./inflow.ts";
import { keepEach } from "./keep_each.ts";
import { type Link, openLink, type Session } from "./link.ts";
import { type LocalBusDeps, newEvent, openLocalBus, parsePayload, requirePublishable } from "./local.ts";
import { ask, newNobodyError, newQuestions } from "./nats_calls.ts";
import { openOutlet } from "./outlet.ts";
import { probe } from "./post.ts";
import { newSlots } from "./slots.ts";
import type { Traffic } from "./traffic.ts";

/** What {@linkcode openNatsBus} needs. */
export interface NatsBusDeps extends LocalBusDeps {
  readonly config: NatsConfig;
  /** Every kind of durable event that may travel. */
  readonly subjects: readonly DurableSubject[];
  /** Subjects whose durable events this process handles. Patterns are allowed; no two may share a subject. */
  readonly owned: Live<readonly string[]>;
  /** Patterns of durable events that never leave the process: whoever asked waits on a line of its own. */
  readonly inner: readonly string[];
  /** While it is paused nothing is taken from other processes of what is held back. */
  readonly intake: Pick<Intake, "open">;
}

/** The bus on NATS, with the one inside the process in it: what can be done here never waits for NATS. */
export interface NatsBus extends Bus {
  /** Looks for rows that were not accepted or spilled through this bus: replayed dead letters. */
  rescan(): void;
  /** Whether a process is there now that takes the durable events of a subject. Known without JetStream only. */
  isConsumed(subject: string): Promise<boolean>;
  /** Takes no more durable events from other processes. Resolves when those under way are in the ledger. */
  stopReceiving(): Promise<void>;
  readonly link: Pick<Link, "state">;
  /** What goes over each subject, in this process or on its way to another. */
  readonly traffic: Traffic;
}

/** Copies for listeners that may be under way; beyond it publishing waits for them. */
const copiesInFlight = 512;
const duplicateWindowMs = 120_000;

/** Opens the bus. Connects in the background: nothing waits for NATS but what only another process can do. */
export function openNatsBus(deps: NatsBusDeps): NatsBus {
  const { config, subjects, owned, inner, ledger, log, metrics, clock } = deps;
  const prefix = config.prefix === undefined ? "" : `${config.prefix}.`;
  const stream = toStreamName(config);
  const closing = new AbortController();
  const receiving = new AbortController();
  let received: Promise<void> = Promise.resolve();
  const local = openLocalBus(deps);
  const link = openLink({ config, log, clock, prepare: (session) => ensureStream(session, deps, stream, prefix) });
  const { traffic } = local;
  const outlet = openOutlet({
    link,
    ledger,
    prefix,
    limits: config.limits,
    onPosted: traffic.went,
    log,
    metrics,
    clock,
  });
  const questions = newQuestions({ local, prefix, log, clock });
  const status = newStatus(link, outlet, closing.signal);
  const copies = newSlots(copiesInFlight);

  const isHandledHere = (subject: string): boolean =>
    owned.current.some((pattern) => subjectMatches(pattern, subject)) || isInner(subject);
  const isInner = (subject: string): boolean =>
    inner.some((pattern) => subjectMatches(pattern, subject)) ||
    !subjects.some(({ topic }) => subjectMatches(topic.subject, subject));
  const currentSession = (): Session | undefined =>
    link.state.current.state === "up" ? link.state.current.session : undefined;

  /** Shows a handled event to listeners elsewhere, behind the publisher's back. */
  const copyOut = async (event: BusEvent): Promise<void> => {
    await copies.take();
    const text = JSON.stringify(event);
    outlet.send({ subject: event.subject, eventId: event.id, text, copy: true }).catch((thrown) =>
      log.debug("nats.copy_failed", { subject: event.subject, error: toAppError(thrown).message })
    ).finally(copies.free);
  };

  const emitOut = (event: BusEvent): void => {
    const session = currentSession();
    if (session === undefined) return;
    try {
      session.connection.publish(prefix + event.subject, JSON.stringify(event));
      traffic.went(event.subject);
    } catch (thrown) {
      log.debug("nats.emit_failed", { subject: event.subject, error: toAppError(thrown).message });
    }
  };

  /** Everything that one connection does for this process. */
  const serve = async (session: Session): Promise<void> => {
    const signal = AbortSignal.any([session.signal, closing.signal]);
    const inflow = { ...deps, arrivals: newArrivals(local), prefix, stream };
    questions.watch(session.connection, signal);
    received = keepEach(
      owned,
      (pattern, stop) => consumeSubject(session, pattern, inflow, stop),
      AbortSignal.any([signal, receiving.signal]),
    );
    await Promise.all([
      received,
      keepEach(local.answering, (subject, stop) => questions.serve(session.connection, subject, stop), signal),
      keepEach(local.listening, (pattern, stop) => listen(session, pattern, stop), signal),
    ]);
  };

  const listen = (session: Session, pattern: string, signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscription = session.connection.subscribe(prefix + pattern, {
      callback(error, message) {
        if (error !== null) return log.warn("nats.listener_failed", { subject: pattern, error: error.message });
        const event = readEphemeralText(message.subject.slice(prefix.length), message.string(), clock.now());
        if (event !== undefined) local.show(pattern, event);
      },
    });
    const end = () => {
      subscription.unsubscribe();
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    return promise;
  };

  const follow = async (): Promise<void> => {
    let serving: Promise<void> = Promise.resolve();
    const start = async () => {
      const session = currentSession();
      if (session === undefined) return;
      await serving;
      serving = serve(session).catch((thrown) =>
        log.error("nats.session_failed", { error: toAppError(thrown).message })
      );
    };
    await start();
    for await (const _ of link.state.changes(closing.signal)) await start();
    await serving;
  };
  const following = follow();

  return {
    status,
    link,
    async publish(topic, payload, meta = {}): Promise<Published> {
      requirePublishable(topic.subject);
      if (!topic.durable) {
        const event = newEvent({ subject: topic.subject, payload }, meta, clock.now());
        local.emit(event);
        emitOut(event);
        return { duplicate: false };
      }
      const event = newEvent({ ...topic, payload: parsePayload(topic, payload) }, meta, clock.now());
      if (!isHandledHere(topic.subject)) {
        traffic.came(event.subject);
        return await outlet.send({
          subject: event.subject,
          eventId: event.id,
          text: JSON.stringify(event),
          copy: false,
        });
      }
      const published = await local.accept(event, meta.providerKey);
      if (!published.duplicate && !isInner(topic.subject)) await copyOut(event);
      return published;
    },
    subscribe: local.subscribe,
    consume: local.consume,
    async request(call, input, { signal }) {
      signal.throwIfAborted();
      if (local.answering.current.has(call.subject)) return await local.request(call, input, { signal });
      const session = currentSession();
      if (session === undefined) throw newNobodyError(call.subject, "in this process, and NATS is away");
      traffic.came(call.subject);
      const answered = await ask(session, { prefix, clock }, call, input, signal);
      traffic.went(call.subject);
      return answered;
    },
    respond: local.respond,
    async isConsumed(subject) {
      const session = currentSession();
      return session !== undefined && session.jetStream === undefined && await probe(session, prefix + subject);
    },
    async stopReceiving() {
      receiving.abort(new AppError("cancelled", "The bus takes nothing more"));
      await received;
    },
    traffic,
    rescan() {
      local.rescan();
      outlet.rescan();
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new AppError("cancelled", "The bus is closing"));
      await local[Symbol.asyncDispose]();
      await following;
      await outlet[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

/** How the bus stands, asked or watched. It is said anew when the connection changes; counts are as of the asking. */
function newStatus(
  link: Link,
  outlet: { readonly spilled: number; readonly fill: number; readonly breaker: "closed" | "half_open" | "open" },
  signal: AbortSignal,
): Live<BusStatus> {
  const read = (): BusStatus => {
    const { current } = link.state;
    return {
      mode: "nats",
      state: current.state,
      since: current.since,
      ...(current.state === "down" ? { reason: current.reason } : {}),
      spilled: outlet.spilled,
      fill: outlet.fill,
      breaker: outlet.breaker,
      jetStream: current.state === "up" ? current.session.jetStream !== undefined : undefined,
    };
  };
  return {
    get current() {
      return read();
    },
    async *changes(watching) {
      for await (const _ of link.state.changes(AbortSignal.any([watching, signal]))) yield read();
    },
  };
}

/** Processes with one prefix share one stream. */
export function toStreamName({ prefix }: NatsConfig): string {
  return prefix === undefined ? "NEXO" : `NEXO_${prefix}`;
}

/** JetStream's numbers for a stream that is there with another configuration, and for too few servers. */
const streamDiffers = 10058;
const noReplicas = 10074;
const noPeers = 10005;

/** Makes the stream of all durable events: each is kept until the process that owns its subject has taken it. */
async function ensureStream(
  { jetStream }: Session,
  { subjects, config, log }: NatsBusDeps,
  name: string,
  prefix: string,
): Promise<void> {
  if (jetStream === undefined) {
    log.warn("nats.no_jetstream", {});
    return;
  }
  const wanted = {
    name,
    subjects: subjects.map(({ topic }) => prefix + topic.subject),
    retention: RetentionPolicy.Workqueue,
    // Full means that publishers wait, never that the oldest go.
    discard: DiscardPolicy.New,
    storage: StorageType.File,
    num_replicas: config.replicas,
    duplicate_window: duplicateWindowMs * 1_000_000,
  };
  try {
    await jetStream.manager.streams.add(wanted);
  } catch (thrown) {
    if (!(thrown instanceof JetStreamApiError) || thrown.code !== streamDiffers) {
      throw toReplicasError(thrown, config.replicas);
    }
    const { config: found } = await jetStream.manager.streams.info(name);
    // Another release may know other subjects: both keep theirs. All else is the operator's, who may have changed it.
    const subjects = [...new Set([...found.subjects ?? [], ...wanted.subjects])];
    const num_replicas = Math.max(found.num_replicas, config.replicas);
    if (subjects.length > (found.subjects?.length ?? 0) || num_replicas > found.num_replicas) {
      try {
        await jetStream.manager.streams.update(name, { subjects, num_replicas });
      } catch (refused) {
        throw toReplicasError(refused, config.replicas);
      }
    }
  }
}

function toReplicasError(thrown: unknown, replicas: number): unknown {
  if (!(thrown instanceof JetStreamApiError) || ![noReplicas, noPeers].includes(thrown.code)) return thrown;
  const remedy = "Set broker.replicas to 1, or name a cluster of as many servers in broker.url";
  return new AppError("invalid", `it cannot keep each event on ${replicas} servers (${thrown.message}). ${remedy}`);
}
