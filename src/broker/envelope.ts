import { z } from "zod";
import type { BusEvent, ProviderKey } from "../core/bus.ts";
import { AppError, toAppError } from "../core/error.ts";
import { subjectMatches, type Topic } from "../core/topic.ts";
import { newId } from "../lib/id.ts";
import { newEvent, parsePayload, type ReceivedEvent } from "./local.ts";

/** A kind of durable event that travels between processes. */
export interface DurableSubject {
  /** Its subject holds wildcards. */
  readonly topic: Topic<unknown>;
  /** Whether it is held back while intake is paused. What running turns wait for must not be. */
  readonly heldBack?: true;
  /**
   * The subject that a payload belongs on: nobody speaks in the name of somebody else. Where `topic` is a short way to
   * write it, {@linkcode whole} says so.
   */
  subjectOf?(payload: unknown): string;
  /** The whole subject that a short one means. */
  whole?(subject: string): string;
  /** The provider's own key of what a payload tells. */
  providerKey?(payload: unknown): ProviderKey | undefined;
}

const envelopeSchema = z.object({
  id: z.string().min(1).max(500),
  subject: z.string().optional(),
  source: z.string().max(500).default("nats"),
  at: z.iso.datetime().optional(),
  correlationId: z.string().max(500).exactOptional(),
  causationId: z.string().max(500).exactOptional(),
  expiresAt: z.iso.datetime().exactOptional(),
  traceparent: z.string().max(200).exactOptional(),
  payload: z.unknown(),
});

/**
 * Reads a durable event as other programs publish it: a whole event, or its bare payload.
 *
 * @param id Of a bare payload: what the message is known by.
 * @throws {AppError} `invalid` (reason `bad_payload`) for what is neither.
 */
export function readEventText(
  subject: string,
  text: string,
  { id, nowMs, subjects }: {
    readonly id: string;
    readonly nowMs: number;
    readonly subjects: readonly DurableSubject[];
  },
): ReceivedEvent {
  const kind = subjects.find(({ topic }) => subjectMatches(topic.subject, subject));
  if (kind === undefined) throw newFault(subject, "nothing is known of this subject");
  const whole = kind.whole?.(subject) ?? subject;
  const { at, payload, subject: said = subject, ...meta } = toEnvelope(subject, parseJson(subject, text), id);
  if (said !== subject && said !== whole) throw newFault(subject, `it says that it is on ${said}`);
  const parsed = parsePayload({ subject, payload: kind.topic.payload }, payload);
  const own = kind.subjectOf?.(parsed) ?? whole;
  if (own !== whole) throw newFault(subject, `its payload belongs on ${own}`);
  return {
    event: newEvent({ subject: whole, payload: parsed }, meta, at === undefined ? nowMs : Date.parse(at)),
    providerKey: kind.providerKey?.(parsed),
  };
}

/** Reads an ephemeral event; `undefined` for what is none, which nobody waits for. */
export function readEphemeralText(subject: string, text: string, nowMs: number): BusEvent | undefined {
  try {
    const { at, payload, subject: _, ...meta } = toEnvelope(subject, parseJson(subject, text), newId(nowMs));
    return newEvent({ subject, payload }, meta, at === undefined ? nowMs : Date.parse(at));
  } catch (thrown) {
    if (toAppError(thrown).kind === "invalid") return undefined;
    throw thrown;
  }
}

function toEnvelope(subject: string, value: unknown, id: string): z.output<typeof envelopeSchema> {
  if (typeof value !== "object" || value === null || !("payload" in value)) {
    return { id, source: "nats", payload: value };
  }
  const envelope = envelopeSchema.safeParse({ id, ...value });
  if (envelope.success) return envelope.data;
  const issue = envelope.error.issues[0];
  throw newFault(subject, `${issue?.path.join(".") ?? "it"} ${issue?.message ?? "is wrong"}`);
}

function parseJson(subject: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw newFault(subject, "it is not JSON");
  }
}

function newFault(subject: string, fault: string): AppError {
  return new AppError("invalid", `Cannot take the event on ${subject}: ${fault}`, { reason: "bad_payload" });
}
