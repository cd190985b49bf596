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

/** The id becomes part of a subject. */
const questionSchema = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/).optional(), input: z.unknown() });

/** Subject on which askers ask whether a question is being answered: heard only while it is. */
const questionSubject = "nexo.question";
/** Subject on which they say that they have given up: heard by every process, as the question may just have come in. */
const givenUpSubject = "nexo.given_up";
/** How often it is asked whether somebody still works on a question: first, after a yes, and how long is waited. */
const aliveFirstMs = 250;
const aliveEveryMs = 2_000;
const aliveWithinMs = 2_000;
/** The question itself may be under way still, so one "nobody" is not believed. */
const aliveMisses = 2;
/** Longest wait for a server to say that it sends no more questions, milliseconds. */
const drainMs = 1_000;
/** Questions that do no harm are asked this often. */
const repeats = 3;

interface AskDeps {
  readonly prefix: string;
  readonly clock: Clock;
}

/**
 * Asks another process, and again where that is harmless and whoever answered went away.
 *
 * @throws {AppError} `missing` (reason `no_answerer`) where nobody answers; `unavailable` (reason `outcome_unknown`) where
 * the connection or the answerer went away meanwhile; `timeout`; else what the answerer threw.
 */
export async function ask<I, O>(
  session: Session,
  deps: AskDeps,
  call: Call<I, O>,
  input: I,
  signal: AbortSignal,
): Promise<O> {
  for (let left = call.repeatable === true ? repeats : 1;; left--) {
    signal.throwIfAborted();
    try {
      return await askOnce(session, deps, call, input, signal);
    } catch (thrown) {
      const { reason } = toAppError(thrown);
      if (reason !== "outcome_unknown" || left <= 1 || session.signal.aborted) throw thrown;
    }
  }
}

async function askOnce<I, O>(
  { connection, signal: gone }: Session,
  { prefix, clock }: AskDeps,
  call: Call<I, O>,
  input: I,
  signal: AbortSignal,
): Promise<O> {
  const id = newId();
  const over = new AbortController();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    if (!connection.isClosed()) connection.publish(`${prefix}${givenUpSubject}.${id}`);
    reject(toAppError(signal.reason));
  };
  const isAnswered = (): Promise<boolean> =>
    connection.request(`${prefix}${questionSubject}.${id}`, "", { timeout: aliveWithinMs }).then(
      () => true,
      () => false, // nobody works on it, or the connection is gone, which the question itself notices
    );
  /** Whoever answers may die: then no answer will ever come. */
  const watch = async () => {
    for (let misses = 0, waitMs = aliveFirstMs; misses < aliveMisses;) {
      await clock.wait(waitMs, over.signal);
      const alive = await isAnswered();
      misses = alive ? 0 : misses + 1;
      waitMs = alive ? aliveEveryMs : aliveFirstMs;
    }
    reject(newGoneError(call.subject));
  };
  watch().catch(() => {/* answered: nobody waits any more */});
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

function newGoneError(subject: string): AppError {
  return new AppError("unavailable", `Whoever answered on ${subject} went away meanwhile`, {
    reason: "outcome_unknown",
  });
}

/** Questions of other processes that are being answered here. */
export interface Questions {
  /** Hears who gives up, until `signal` fires. */
  watch(connection: NatsConnection, signal: AbortSignal): void;
  /** Answers on a subject until `signal` fires. Resolves when everything that had come in is answered. */
  serve(connection: NatsConnection, subject: string, signal: AbortSignal): Promise<void>;
}

/** Makes {@linkcode Questions} for whoever answers in this process. */
export function newQuestions(
  { local, prefix, log, clock }: AskDeps & { readonly local: Pick<LocalBus, "answer">; readonly log: Log },
): Questions {
  const open = new Map<string, AbortController>();

  /** Tells the asker, while the question is being answered, that it is, and whoever answers when the asker gives up. */
  const follow = (connection: NatsConnection, id: string, giveUp: AbortController): Disposable => {
    open.set(id, giveUp);
    const subscription = connection.subscribe(`${prefix}${questionSubject}.${id}`, {
      callback(error, message) {
        if (error !== null) return log.warn("nats.answerer_failed", { error: error.message });
        message.respond();
      },
    });
    return {
      [Symbol.dispose]() {
        open.delete(id);
        subscription.unsubscribe();
      },
    };
  };

  const answer = async (connection: NatsConnection, message: Msg, subject: string, closing: AbortSignal) => {
    const giveUp = new AbortController();
    const { id, input } = toQuestion(parseJson(message));
    const following = id === undefined ? undefined : follow(connection, id, giveUp);
    const stop = AbortSignal.any([giveUp.signal, closing]);
    // Not every answerer minds its signal.
    const { promise: stopped, reject } = Promise.withResolvers<never>();
    const onStop = () => reject(closing.aborted ? newGoneError(subject) : toAppError(stop.reason));
    stop.addEventListener("abort", onStop, { once: true });
    let reply: unknown;
    try {
      if (closing.aborted) throw newNobodyError(subject, "any more");
      reply = { ok: await Promise.race([local.answer(subject, input, stop), stopped]) };
    } catch (thrown) {
      reply = { error: toErrorRecord(thrown) };
    }
    stop.removeEventListener("abort", onStop);
    try {
      message.respond(JSON.stringify(reply));
    } catch (thrown) {
      // Too large, or the connection is gone: whoever asked learns that there is no answer.
      log.warn("nats.answer_lost", { subject, error: toAppError(thrown).message });
      const error = new AppError("invalid", `The answer on ${subject} is too large for NATS`, { reason: "too_large" });
      message.respond(JSON.stringify({ error: toErrorRecord(error) }));
    } finally {
      // Behind the answer, which must be on its way before nobody is said to work on it.
      following?.[Symbol.dispose]();
    }
  };

  return {
    watch(connection, signal) {
      const subscription = connection.subscribe(`${prefix}${givenUpSubject}.*`, {
        callback(error, message) {
          if (error !== null) return log.warn("nats.answerer_failed", { error: error.message });
          const id = message.subject.slice(message.subject.lastIndexOf(".") + 1);
          open.get(id)?.abort(new AppError("cancelled", "Whoever asked has given up"));
        },
      });
      signal.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
    },
    async serve(connection, subject, signal) {
      const working = new Set<Promise<void>>();
      // A queue group: where two processes answer by mistake, each question still goes to one of them.
      const subscription = connection.subscribe(prefix + subject, {
        queue: "nexo",
        callback(error, message) {
          if (error !== null) return log.warn("nats.answerer_failed", { subject, error: error.message });
          const work = answer(connection, message, subject, signal).catch((thrown) =>
            log.warn("nats.answer_lost", { subject, error: toAppError(thrown).message })
          ).finally(() => working.delete(work));
          working.add(work);
        },
      });
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      // What the server has sent already is answered: that nobody answers here any more.
      const timer = new AbortController();
      const late = clock.wait(drainMs, timer.signal).catch(() => {/* drained in time */});
      const drained = subscription.drain().catch((thrown) =>
        log.debug("nats.not_drained", { subject, error: toAppError(thrown).message })
      );
      await Promise.race([drained, late]);
      timer.abort();
      await Promise.all(working);
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
