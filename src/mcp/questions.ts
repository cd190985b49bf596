import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import { newId } from "../lib/id.ts";

/** What an operator may do with a server's question. */
export type Answer =
  | { readonly action: "accept"; readonly content: Readonly<Record<string, string | number | boolean | string[]>> }
  | { readonly action: "decline" | "cancel" };

/** A question of a server to the operator. */
export interface Question {
  readonly id: string;
  readonly server: string;
  /** In the server's words. */
  readonly message: string;
  /** JSON Schema of the answer. */
  readonly schema: unknown;
  /** ISO 8601 UTC. */
  readonly askedAt: string;
}

/** Questions that wait for the operator. */
export interface Questions {
  /** Waits for the answer; `cancel` when nobody gives one in time. */
  ask(
    question: Pick<Question, "server" | "message" | "schema">,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Answer>;
  list(): readonly Question[];
  /** @throws {AppError} `missing` where there is no such question, or nobody waits for it any more. */
  answer(id: string, answer: Answer): void;
}

/** Questions that wait at once; more are cancelled unseen. */
const waitingBound = 50;

/** Makes {@linkcode Questions}. */
export function newQuestions(clock: Clock): Questions {
  const waiting = new Map<string, { readonly question: Question; answer(answer: Answer): void }>();
  return {
    async ask({ server, message, schema }, timeoutMs, signal) {
      if (waiting.size >= waitingBound) return { action: "cancel" };
      const id = newId(clock.now()).slice(-8);
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const askedAt = new Date(clock.now()).toISOString();
      waiting.set(id, { question: { id, server, message, schema, askedAt }, answer: resolve });
      const timer = new AbortController();
      const late = clock.wait(timeoutMs, AbortSignal.any([signal, timer.signal]))
        .catch(() => {/* answered in time, or the server has gone */})
        .then((): Answer => ({ action: "cancel" }));
      const answer = await Promise.race([promise, late]);
      timer.abort();
      waiting.delete(id);
      return answer;
    },
    list: () => [...waiting.values()].map(({ question }) => question),
    answer(id, answer) {
      const found = waiting.get(id);
      if (found === undefined) throw new AppError("missing", `No question ${id} waits. See: agent mcp questions`);
      found.answer(answer);
    },
  };
}
