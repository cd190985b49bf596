import type { Clock } from "../core/clock.ts";
import { type AppError, toAppError } from "../core/error.ts";
import type { Embedder } from "../core/memory.ts";
import type { Log } from "../core/log.ts";
import type { Pending, RowVector } from "./fact_file.ts";

/** Makes vectors of facts in the background, one batch at a time. */
export interface Indexer extends AsyncDisposable {
  /** Says that an agent may have facts without a vector. */
  wake(agent: string): void;
  /** Why vectors are not being made now. */
  readonly fault: AppError | undefined;
}

/** What {@linkcode newIndexer} uses. */
export interface IndexerDeps {
  readonly embedder: Embedder;
  readonly batchSize: number;
  pending(agent: string, limit: number, signal: AbortSignal): Promise<readonly Pending[]>;
  putVectors(agent: string, vectors: readonly RowVector[], signal: AbortSignal): Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const firstPauseMs = 5_000;
const maxPauseMs = 600_000;

/** Makes an {@linkcode Indexer}. What it has not done when the process ends, it finds again at the next start. */
export function newIndexer({ embedder, batchSize, pending, putVectors, clock, log }: IndexerDeps): Indexer {
  const stop = new AbortController();
  const { signal } = stop;
  const waiting = new Set<string>();
  let running: Promise<void> | undefined;
  let fault: AppError | undefined;
  let pauseMs = firstPauseMs;

  /** One batch of one agent, so that a large memory does not hold up the others. */
  const step = async (agent: string) => {
    const facts = await pending(agent, batchSize, signal);
    if (facts.length === 0) return;
    const vectors = await embedder.embed(facts.map(({ text }) => text), "fact", signal);
    const rows = facts.flatMap(({ row }, index) => {
      const vector = vectors[index];
      return vector === undefined ? [] : [{ row, vector }];
    });
    await putVectors(agent, rows, signal);
    if (facts.length === batchSize) waiting.add(agent);
  };

  const work = async () => {
    try {
      for (let [agent] = waiting; agent !== undefined && !signal.aborted; [agent] = waiting) {
        waiting.delete(agent);
        try {
          await step(agent);
          fault = undefined;
          pauseMs = firstPauseMs;
        } catch (thrown) {
          if (signal.aborted) return;
          fault = toAppError(thrown);
          log.warn("memory.embedding_failed", { agent, embedder: embedder.id, error: fault.message, pauseMs });
          waiting.add(agent);
          await clock.wait(Math.max(pauseMs, fault.retryAfterMs ?? 0), signal).catch(() => {/* stopped */});
          pauseMs = Math.min(2 * pauseMs, maxPauseMs);
        }
      }
    } finally {
      // In one go with the last look, with no promise between: who came in between would wait for the next one.
      running = undefined;
    }
  };

  return {
    wake(agent) {
      if (signal.aborted) return;
      waiting.add(agent);
      running ??= work();
    },
    get fault() {
      return fault;
    },
    async [Symbol.asyncDispose]() {
      stop.abort("disposed");
      await running;
    },
  };
}
