import { AckPolicy, type JsMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Published } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { type AppError, toAppError, toErrorRecord } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { subjectMatches, toSubjectToken } from "../core/topic.ts";
import { newId } from "../lib/id.ts";
import { writeDeadLetter } from "../ledger/dead.ts";
import type { Arrivals } from "./arrivals.ts";
import { type DurableSubject, readEventText } from "./envelope.ts";
import type { JetStream, Session } from "./link.ts";
import { handledHeader } from "./post.ts";
import { newSlots } from "./slots.ts";

/** What {@linkcode consumeSubject} needs. */
export interface InflowDeps {
  readonly arrivals: Arrivals;
  readonly ledger: Ledger;
  readonly subjects: readonly DurableSubject[];
  /** Stands before every subject on the wire. */
  readonly prefix: string;
  /** Name of the stream. */
  readonly stream: string;
  /** While it is paused nothing is taken of what is held back. */
  readonly intake: Pick<Intake, "open">;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

interface GatedDeps extends InflowDeps {
  /** Waits until the next event may be taken. */
  open(): Promise<void>;
}

/** Events of one subject between the server and the ledger. */
const inFlightBound = 256;
const retryMs = 500;

/**
 * Takes the durable events of a subject, or of a pattern, from other processes into the inbox until `signal` fires. An
 * event is acknowledged when its row is committed.
 */
export async function consumeSubject(
  session: Session,
  pattern: string,
  deps: InflowDeps,
  signal: AbortSignal,
): Promise<void> {
  const { log, clock, subjects } = deps;
  const isHeldBack = subjects.some(({ topic, heldBack }) =>
    heldBack === true && subjectMatches(topic.subject, pattern)
  );
  const open = async (): Promise<void> => {
    if (isHeldBack) await deps.intake.open(signal);
  };
  if (session.jetStream !== undefined) await dropConsumer(session.jetStream, pattern, deps);
  while (!signal.aborted) {
    try {
      if (session.jetStream === undefined) await consumeDirectly(session, pattern, { ...deps, open }, signal);
      else await consumeStream(session.jetStream, pattern, { ...deps, open }, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      log.warn("nats.consumer_failed", { subject: pattern, error: toAppError(thrown).message });
      await clock.wait(retryMs, signal).catch(() => {/* aborted, see the loop */});
    }
  }
}

/**
 * Forgets what the server had given out on an earlier connection, where it got lost or its acknowledgement did: the
 * server would keep it back for half a minute, and give out what came behind it meanwhile. A new consumer begins with the
 * oldest event that is not acknowledged. Once for each connection, as another process may share the consumer by mistake.
 */
async function dropConsumer({ manager }: JetStream, pattern: string, { stream, log }: InflowDeps): Promise<void> {
  try {
    await manager.consumers.delete(stream, toSubjectToken(pattern));
  } catch (thrown) {
    // There is none yet; or the server does not answer, which what follows finds out.
    log.debug("nats.consumer_not_dropped", { subject: pattern, error: toAppError(thrown).message });
  }
}

async function consumeStream(
  { client, manager }: JetStream,
  pattern: string,
  deps: GatedDeps,
  signal: AbortSignal,
): Promise<void> {
  const name = toSubjectToken(pattern);
  // One consumer for each subject, whoever owns it: the next owner goes on where the one before stopped.
  await manager.consumers.add(deps.stream, {
    durable_name: name,
    filter_subject: deps.prefix + pattern,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: inFlightBound * 4,
  });
  const consumer = await client.consumers.get(deps.stream, name);
  const messages = await consumer.consume({ max_messages: inFlightBound, abort_on_missing_resource: true });
  // Not awaited anywhere: one that was never iterated does not end.
  const close = () => void messages.close();
  signal.addEventListener("abort", close, { once: true });
  const slots = newSlots(inFlightBound);
  try {
    if (signal.aborted) return;
    for await (const message of messages) {
      await deps.open();
      await slots.take();
      takeMessage(message, deps, signal).finally(slots.free);
    }
  } finally {
    signal.removeEventListener("abort", close);
    close();
    await slots.allFree();
  }
}

/** Never throws: what cannot be taken now stays with the server and comes again. */
async function takeMessage(message: JsMsg, deps: InflowDeps, signal: AbortSignal): Promise<void> {
  const id = message.headers?.get("Nats-Msg-Id") || `${deps.stream}:${message.seq}`;
  const taken = await takeText(message.subject, message.headers, message.data, id, deps, signal);
  if (taken !== undefined) tell(() => message.ack(), message.subject, deps);
}

/** Says that an event is taken. Where the connection is gone the server sends it again, and it is known by its id. */
function tell(say: () => void, subject: string, { log }: InflowDeps): void {
  try {
    say();
  } catch (thrown) {
    log.debug("nats.ack_lost", { subject, error: toAppError(thrown).message });
  }
}

/** Without JetStream: whoever publishes waits for our word that the row is committed. */
async function consumeDirectly(
  { connection }: Session,
  pattern: string,
  deps: GatedDeps,
  signal: AbortSignal,
): Promise<void> {
  const slots = newSlots(inFlightBound);
  // A queue group: where two processes own a subject by mistake, each event still goes to one of them.
  const subscription = connection.subscribe(deps.prefix + pattern, { queue: "nexo" });
  const close = () => subscription.unsubscribe();
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) return;
    for await (const message of subscription) {
      await deps.open();
      await slots.take();
      const id = message.headers?.get("Nats-Msg-Id") || newId(deps.clock.now());
      takeText(message.subject, message.headers, message.data, id, deps, signal).then((taken) => {
        if (taken !== undefined) tell(() => message.respond(JSON.stringify(taken)), message.subject, deps);
      }).finally(slots.free);
    }
  } finally {
    signal.removeEventListener("abort", close);
    subscription.unsubscribe();
    await slots.allFree();
  }
}

type Taken = Published | { readonly error: ReturnType<typeof toErrorRecord> };

/** Brings an event into the inbox, or among the dead letters. Gives `undefined` where neither could be done. */
async function takeText(
  wireSubject: string,
  headers: MsgHdrs | undefined,
  data: Uint8Array,
  id: string,
  deps: InflowDeps,
  signal: AbortSignal,
): Promise<Taken | undefined> {
  if (headers?.has(handledHeader)) return { duplicate: true };
  const subject = wireSubject.slice(deps.prefix.length);
  const text = new TextDecoder().decode(data);
  for (;;) {
    try {
      return await acceptText(subject, text, id, deps);
    } catch (thrown) {
      const error = toAppError(thrown);
      deps.log.warn("nats.event_not_taken", { subject, error: error.message });
      if (error.kind !== "unavailable") return undefined;
    }
    try {
      await deps.clock.wait(retryMs, signal);
    } catch {
      return undefined; // closing: the server keeps it
    }
  }
}

async function acceptText(subject: string, text: string, id: string, deps: InflowDeps): Promise<Taken> {
  const { arrivals, subjects, clock } = deps;
  let received: ReturnType<typeof readEventText>;
  try {
    received = readEventText(subject, text, { id, nowMs: clock.now(), subjects });
  } catch (thrown) {
    const error = toAppError(thrown);
    await bury(subject, text, id, error, deps);
    return { error: toErrorRecord(error) };
  }
  return await arrivals.accept(received);
}

async function bury(subject: string, text: string, id: string, error: AppError, deps: InflowDeps): Promise<void> {
  const { ledger, clock, metrics, log } = deps;
  const nowMs = clock.now();
  await ledger.commit([
    writeDeadLetter({
      hop: "inbound",
      subject,
      eventId: id,
      cause: toErrorRecord(error),
      attempts: 1,
      body: JSON.stringify({ subject, text }),
      firstAt: new Date(nowMs).toISOString(),
    }, nowMs),
  ]);
  metrics.count("nexo_dead_letters_total", { hop: "inbound", kind: error.kind });
  log.warn("nats.event_invalid", { subject, error: error.message });
}
