import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { AppError, fromErrorRecord, toAppError, toErrorRecord } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Call } from "../core/topic.ts";
import { newId } from "../lib/id.ts";
import type { Session } from "./link.ts";
import type { LocalBus } from "./local.ts";
import { replySchema } from "./reply.ts";

/** Longest wait for an answer, milliseconds. Whoever asks gives up sooner, by the signal. */
const answerMs = 150_000;

const questionSchema = z.object({ id: z.string().max(100).optional(), input: z.unknown() });

/** Subject on which askers say that they have given up; the question's id stands behind it. */
const cancelSubject = "nexo.cancel";

/**
 * Asks another process.
 *
 * @throws {AppError} `missing` (reason `no_answerer`) where nobody answers; `unavailable` (reason `outcome_unknown`) where
 * the connection went away meanwhile; `timeout`; else what the answerer threw.
 */
export async function ask<I, O>(
  { connection, signal: gone }: Session,
  prefix: string,
  call: Call<I, O>,
  input: I,
  signal: AbortSignal,
): Promise<O> {
  const id = newId();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    if (!connection.isClosed()) connection.publish(`${prefix}${cancelSubject}.${id}`);
    reject(toAppError(signal.reason));
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    const asked = connection.request(prefix + call.subject, JSON.stringify({ id, input }), { timeout: answerMs });
    const answer = replySchema.parse((await Promise.race([asked, aborted])).json());
    if (answer.error !== undefined) throw fromErrorRecord(answer.error);
    return call.output.parse(answer.ok);
  } catch (thrown) {
    throw toAskError(thrown, call.subject, gone);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What is said where nobody answers. */
export function newNobodyError(subject: string, where: string): AppError {
  return new AppError("missing", `Nobody answers on ${subject} ${where}. Is the plugin configured and running?`, {
    reason: "no_answerer",
  });
}

/** Questions of other processes that are being answered, so that they can be told that nobody waits any more. */
export interface Questions {
  /** Listens for askers who give up, until `signal` fires. */
  watch(connection: NatsConnection, signal: AbortSignal): void;
  /** Answers on a subject until `signal` fires. */
  serve(connection: NatsConnection, subject: string, signal: AbortSignal): Promise<void>;
}

/** Makes {@linkcode Questions} for whoever answers in this process. */
export function newQuestions(
  { local, prefix, log }: { readonly local: Pick<LocalBus, "answer">; readonly prefix: string; readonly log: Log },
): Questions {
  const open = new Map<string, AbortController>();

  const answer = async (message: Msg, subject: string, closing: AbortSignal): Promise<void> => {
    const giveUp = new AbortController();
    const asked = questionSchema.safeParse(parseJson(message));
    const { id, input } = asked.success ? asked.data : {};
    if (id !== undefined) open.set(id, giveUp);
    let reply: unknown;
    try {
      reply = { ok: await local.answer(subject, input, AbortSignal.any([giveUp.signal, closing])) };
    } catch (thrown) {
      reply = { error: toErrorRecord(thrown) };
    }
    if (id !== undefined) open.delete(id);
    try {
      message.respond(JSON.stringify(reply));
    } catch (thrown) {
      // Too large, or the connection is gone: whoever asked learns that there is no answer.
      log.warn("nats.answer_lost", { subject, error: toAppError(thrown).message });
      const error = new AppError("invalid", `The answer on ${subject} is too large for NATS`, { reason: "too_large" });
      message.respond(JSON.stringify({ error: toErrorRecord(error) }));
    }
  };

  return {
    watch(connection, signal) {
      const subscription = connection.subscribe(`${prefix}${cancelSubject}.*`, {
        callback: (_error, { subject }) =>
          open.get(subject.slice(subject.lastIndexOf(".") + 1))?.abort(
            new AppError("cancelled", "Whoever asked has given up"),
          ),
      });
      signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
    },
    serve(connection, subject, signal) {
      const working = new Set<Promise<void>>();
      const { promise, resolve } = Promise.withResolvers<void>();
      // A queue group: where two processes answer by mistake, each question still goes to one of them.
      const subscription = connection.subscribe(prefix + subject, {
        queue: "nexo",
        callback(error, message) {
          if (error !== null) return log.warn("nats.answerer_failed", { subject, error: error.message });
          const work = answer(message, subject, signal).catch((thrown) =>
            log.warn("nats.answer_lost", { subject, error: toAppError(thrown).message })
          ).finally(() => working.delete(work));
          working.add(work);
        },
      });
      const end = () => {
        subscription.unsubscribe();
        Promise.all(working).then(() => resolve());
      };
      if (signal.aborted) end();
      else signal.addEventListener("abort", end, { once: true });
      return promise;
    },
  };
}

function parseJson(message: Msg): unknown {
  try {
    return message.json();
  } catch {
    return undefined; // the input's schema says what is wrong
  }
}

function toAskError(thrown: unknown, subject: string, gone: AbortSignal): AppError {
  if (thrown instanceof AppError) return thrown;
  const { name, message } = thrown instanceof Error ? thrown : { name: "", message: String(thrown) };
  const options = { cause: thrown };
  if (/max_payload/.test(message)) {
    return new AppError("invalid", `The question on ${subject} is too large for NATS`, {
      ...options,
      reason: "too_large",
    });
  }
  if (/no responders/.test(message)) return newNobodyError(subject, "in this process or on NATS");
  if (name === "TimeoutError") return new AppError("timeout", `No answer came on ${subject} in time`, options);
  if (gone.aborted || /closed/.test(message)) {
    return new AppError("unavailable", `The connection to NATS went away before an answer came on ${subject}`, {
      ...options,
      reason: "outcome_unknown",
    });
  }
  return toAppError(thrown);
}
