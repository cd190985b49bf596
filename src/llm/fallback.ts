import { AppError, type ErrorKind, toAppError } from "../core/error.ts";
import type { LlmProvider } from "../core/llm.ts";
import type { Log } from "../core/log.ts";

/** One model that may answer. */
export interface Candidate {
  readonly provider: LlmProvider;
  readonly model: string;
}

/** What another model may do better. */
const movesOn: ReadonlySet<ErrorKind> = new Set(["unavailable", "timeout", "denied", "invalid"]);

/**
 * Asks `first`, and those of `others` in order when it does not answer. Moves on only before the first chunk, and
 * remembers nothing: the breakers do.
 *
 * The error of a call that nobody answered has the kind of the first one's and names all.
 */
export function withFallback(first: Candidate, others: readonly Candidate[], log: Log): LlmProvider {
  return {
    id: first.provider.id,
    async *stream(request, signal) {
      const errors: AppError[] = [];
      const candidates = [first, ...others];
      for (const [index, { provider, model }] of candidates.entries()) {
        let yielded = false;
        try {
          for await (const chunk of provider.stream({ ...request, model }, signal)) {
            yielded = true;
            yield chunk;
          }
          return;
        } catch (thrown) {
          const error = toAppError(thrown);
          if (yielded || signal.aborted || !movesOn.has(error.kind)) throw error;
          errors.push(error);
          if (index < candidates.length - 1) {
            const { kind, message } = error;
            request.onSetback?.({
              type: "failed",
              provider: provider.id,
              model,
              kind,
              message,
              next: "other",
              waitMs: 0,
            });
          }
          log.warn("llm.moved_on", {
            provider: provider.id,
            model,
            kind: error.kind,
            reason: error.reason,
            turn: request.turnId,
          });
        }
      }
      throw joinErrors(errors);
    },
  };
}

function joinErrors(errors: readonly AppError[]): AppError {
  const [first] = errors;
  if (first === undefined || errors.length === 1) return first ?? new AppError("bug", "No model was asked");
  const waits = errors.flatMap(({ retryAfterMs }) => retryAfterMs === undefined ? [] : [retryAfterMs]);
  return new AppError(first.kind, `No model answered. ${errors.map(({ message }) => message).join(". ")}`, {
    cause: first,
    ...(first.reason === undefined ? {} : { reason: first.reason }),
    ...(waits.length === 0 ? {} : { retryAfterMs: Math.min(...waits) }),
  });
}
