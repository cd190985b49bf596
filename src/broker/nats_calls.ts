import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
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

/** Subject on which askers ask whether a question is still being answered, or say that they have given up. */
const questionSubject = "nexo.question";
const givenUp = "given up";
/** How often it is asked whether somebody still works on a question, and how long is waited for the word, milliseconds. */
const aliveEveryMs = 2_000;
const aliveWithinMs = 3_000;

/**
 * Asks another process.
 *
 * @throws {AppError} `missing` (reason `no_answerer`) where nobody answers; `unavailable` (reason `outcome_unknown`) where
 * the connection went away meanwhile; `timeout`; else what the answerer threw.
 */
export async function ask<I, O>(
  { connection, signal: gone }: Session,
  { prefix, clock }: { readonly prefix: string; readonly clock: Clock },
  call: Call<I, O>,
  input: I,
  signal: AbortSignal,
): Promise<O> {
  const id = newId();
  const over = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    if (!connection.isClosed()) connection.publish(`${prefix}${questionSubject}.${id}`, givenUp);
    reject(toAppError(signal.reason));
  };
  /** Whoever answers may die: then no answer will ever come. */
  const watch = async () => {
    for (;;) {
      await clock.wait(aliveEveryMs, over.signal);
      await connection.request(`${prefix}${questionSubject}.${id}`, "", { timeout: aliveWithinMs });
    }
  };
  watch().catch(() => {
    const text = `Whoever answered on ${call.subject} went away meanwhile`;
    if (!over.signal.aborted) reject(new AppError("unavailable", text, { reason: "outcome_unknown" }));
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    const asked = connection.request(prefix + call.subject, JSON.stringify({ id, input }), { timeout: answerMs });
    const answer = replySchema.parse((await Promise.race([asked, aborted])).json());
    if (answer.error !== undefined) throw fromErrorRecord(answer.error);
    return call.output.parse(answer.ok);
  } catch (thrown) {
    throw toAskError(thrown, call.subject, gone);
  } finally {
    over.abort();
    signal.removeEventListener("abort", abort);
  }
}

/** What is said where nobody answers. */
export function newNobodyError(subject: string, where: string): AppError {
  return new AppError("missing", `Nobody answers on ${subject} ${where}. Is the plugin configured and running?`, {
    reason: "no_answerer",
  });
}

/** Questions of other processes that are being answered here. */
export interface Questions {
  /** Tells askers that their question is being answered, and hears when they give up, until `signal` fires. */
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
    const { id, input } = toQuestion(parseJson(message));
    if (id !== undefined) open.set(id, giveUp);
    const stop = AbortSignal.any([giveUp.signal, closing]);
    // Not every answerer minds its signal.
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onStop = () => reject(toAppError(stop.reason));
    stop.addEventListener("abort", onStop, { once: true });
    let reply: unknown;
    try {
      reply = { ok: await Promise.race([local.answer(subject, input, stop), stopped]) };
    } catch (thrown) {
      reply = { error: toErrorRecord(thrown) };
    }
    stop.removeEventListener("abort", onStop);
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
      const subscription = connection.subscribe(`${prefix}${questionSubject}.*`, {
        callback(error, message) {
          if (error !== null) return log.warn("nats.answerer_failed", { error: error.message });
          const question = open.get(message.subject.slice(message.subject.lastIndexOf(".") + 1));
          if (question === undefined) return;
          if (message.string() === givenUp) question.abort(new AppError("cancelled", "Whoever asked has given up"));
          else message.respond();
        },
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

/** Other programs may ask with the bare input. */
function toQuestion(value: unknown): z.output<typeof questionSchema> {
  const asked = typeof value === "object" && value !== null && "input" in value
    ? questionSchema.safeParse(value)
    : undefined;
  return asked?.data ?? { input: value };
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
