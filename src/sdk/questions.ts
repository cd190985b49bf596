import { AppError, fromErrorRecord, toErrorRecord } from "../core/error.ts";
import type { Answer } from "./protocol.ts";

/** Requests of this side of a worker port that the other side has not answered. */
export interface Questions<R> {
  readonly open: number;
  /**
   * Asks and waits for the answer. When `signal` fires the other side is told and nobody waits any more.
   *
   * @throws {AppError} what the other side answered; `unavailable` when it went away. The signal's reason when it fires.
   */
  ask(request: R, signal: AbortSignal): Promise<unknown>;
  /** Takes an answer; one that nobody waits for is an abort that came too late. */
  take(answer: Answer): void;
  /** Fails whatever is open: the other side is gone. */
  endAll(error: AppError): void;
}

/** Makes {@linkcode Questions} over a port. */
export function newQuestions<R>(
  port: { ask(id: number, request: R): void; abort(id: number): void },
): Questions<R> {
  const open = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let lastId = 0;
  let ended: AppError | undefined;
  return {
    get open() {
      return open.size;
    },
    ask(request, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (ended !== undefined) return Promise.reject(ended);
      const id = ++lastId;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const abort = () => {
        port.abort(id);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort);
      open.set(id, { resolve, reject });
      port.ask(id, request);
      return promise.finally(() => {
        open.delete(id);
        signal.removeEventListener("abort", abort);
      });
    },
    take({ id, outcome }) {
      if (outcome.ok) open.get(id)?.resolve(outcome.value);
      else open.get(id)?.reject(fromErrorRecord(outcome.error));
    },
    endAll(error) {
      ended = error;
      for (const question of open.values()) question.reject(error);
    },
  };
}

/** Runs `work` and makes the answer to request `id` of what became of it. Never rejects. */
export async function toAnswer(id: number, work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { type: "answer", id, outcome: { ok: true, value: await work() } };
  } catch (thrown) {
    return { type: "answer", id, outcome: { ok: false, error: toErrorRecord(thrown) } };
  }
}
