import { JetStreamApiError } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { z } from "zod";
import type { Published } from "../core/bus.ts";
import { AppError, fromErrorRecord, toAppError } from "../core/error.ts";
import { errorRecordSchema } from "./reply.ts";
import type { Session } from "./link.ts";

/** One durable event as it leaves the process. */
export interface Parcel {
  /** Without prefix. */
  readonly subject: string;
  readonly eventId: string;
  /** The event, JSON. */
  readonly text: string;
  /** Whether it was handled in this process and goes out for listeners only. */
  readonly copy: boolean;
}

/** Header of an event that a process has handled already: consumers leave it alone. */
export const handledHeader = "Nexo-Handled";

const probeMs = 1_000;

/** What JetStream answers to a publish (`PubAck`, https://docs.nats.io/reference/reference-protocols/nats_api_reference). */
const ackSchema = z.object({
  duplicate: z.boolean().default(false),
  error: z.object({ code: z.number(), err_code: z.number(), description: z.string() }).optional(),
});

const acceptanceSchema = z.union([
  z.object({ duplicate: z.boolean() }),
  z.object({ error: errorRecordSchema }),
]);

/**
 * Sends one durable event and waits until it cannot be lost: JetStream has it, or the process that consumes it.
 *
 * @throws {AppError} `invalid` or `denied` where no further try can help; else `unavailable` or `timeout`, with reason
 * `connection_lost` or `nobody_consumes` where the server is not to blame.
 */
export async function post(session: Session, prefix: string, parcel: Parcel): Promise<Published> {
  const subject = prefix + parcel.subject;
  try {
    if (session.jetStream !== undefined) {
      const named = parcel.copy ? newHandledHeaders() : headers();
      named.set("Nats-Msg-Id", parcel.eventId);
      const { duplicate, error } = ackSchema.parse((await session.asker.ask(subject, parcel.text, named)).json());
      if (error !== undefined) throw new JetStreamApiError(error);
      return { duplicate };
    }
    if (parcel.copy) {
      session.connection.publish(subject, parcel.text, { headers: newHandledHeaders() });
      return { duplicate: false };
    }
    const answer = await session.asker.ask(subject, parcel.text);
    const accepted = acceptanceSchema.parse(answer.json());
    if ("error" in accepted) throw fromErrorRecord(accepted.error);
    return accepted;
  } catch (thrown) {
    throw toPostError(thrown, parcel, session);
  }
}

/** Without JetStream: whether a process consumes a subject. It answers a handled event, and does nothing with it. */
export async function probe({ connection }: Session, wireSubject: string): Promise<boolean> {
  try {
    await connection.request(wireSubject, "", { timeout: probeMs, headers: newHandledHeaders() });
    return true;
  } catch {
    return false; // nobody is there, or nobody in time
  }
}

/** Whether no further try can help. */
export function isRefusal({ kind }: AppError): boolean {
  return kind === "invalid" || kind === "denied";
}

/** Whether a failure says nothing about the server: it is gone, or it works and somebody else is missing. */
export function isBlameless({ reason }: AppError): boolean {
  return reason === "connection_lost" || reason === "nobody_consumes";
}

function newHandledHeaders() {
  const made = headers();
  made.set(handledHeader, "1");
  return made;
}

/** Number that JetStream gives a refusal of a message that is larger than its stream takes. */
const tooLargeForStream = 10054;

function toPostError(thrown: unknown, { subject, text }: Parcel, session: Session): AppError {
  if (thrown instanceof AppError) return thrown;
  const { name, message } = thrown instanceof Error ? thrown : { name: "", message: String(thrown) };
  const options = { cause: thrown };
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  if (/max_payload/.test(message) || code === tooLargeForStream) {
    const limit = session.connection.info?.max_payload ?? 0;
    return new AppError(
      "invalid",
      `Cannot publish ${text.length} characters on ${subject}: NATS takes ${limit} bytes. Raise max_payload of the server`,
      { ...options, reason: "too_large" },
    );
  }
  if (session.signal.aborted || session.connection.isClosed() || /connection closed/.test(message)) {
    return new AppError("unavailable", `The connection to NATS went away while publishing on ${subject}`, {
      ...options,
      reason: "connection_lost",
    });
  }
  switch (name) {
    case "InvalidSubjectError":
      return new AppError("invalid", `Cannot publish on "${subject}": NATS does not take this subject`, options);
    case "PermissionViolationError":
      return new AppError(
        "denied",
        `Cannot publish on ${subject}: NATS does not let us. Check the user's rights`,
        options,
      );
    case "TimeoutError":
      return new AppError("timeout", `NATS did not acknowledge an event on ${subject} in time`, options);
    case "NoRespondersError":
      return session.jetStream === undefined
        ? new AppError("unavailable", `No process is there that consumes ${subject}`, {
          ...options,
          reason: "nobody_consumes",
        })
        : new AppError("unavailable", `JetStream does not answer for ${subject}`, options);
  }
  if (name.startsWith("JetStream")) {
    return new AppError("unavailable", `JetStream refuses ${subject}: ${message}`, options);
  }
  return toAppError(thrown);
}
