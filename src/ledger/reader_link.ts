import { AppError, fromErrorRecord, toAppError } from "../core/error.ts";
import type { Row, SqlValue, Statement } from "../core/ledger.ts";
import type { ReaderReply, ReaderRequest } from "./protocol.ts";
import { newClosedError, openWorker } from "./worker_link.ts";

/** A worker that reads the ledger. */
export interface Reader {
  query(statement: Statement, signal: AbortSignal): Promise<readonly Row[]>;
  /** Whether it has stopped by itself, so that another one is needed. */
  isLost(): boolean;
  terminate(): void;
}

/** Opens a reader of the file `path`, which must be there. */
export function openReader(path: string): Reader {
  const worker = openWorker("reader", new URL("./reader.ts", import.meta.url), path);
  const waiting = new Map<number, { resolve(rows: readonly Row[]): void; reject(error: unknown): void }>();
  let nextId = 0;
  let broken: AppError | undefined;
  const fail = (error: AppError) => {
    broken = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    worker.terminate();
    fail(new AppError("bug", `The ledger's reader stopped: ${event.message}`));
  };
  worker.onmessage = (event: MessageEvent<string>) => {
    const reply: ReaderReply = JSON.parse(event.data);
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) asked?.reject(fromErrorRecord(reply.error));
    else asked?.resolve(reply.rows);
  };
  worker.postMessage(JSON.stringify({ path }));
  return {
    query(statement, signal) {
      if (broken !== undefined) return Promise.reject(broken);
      if (signal.aborted) return Promise.reject(toAppError(signal.reason));
      const id = nextId++;
      const { promise, resolve, reject } = Promise.withResolvers<readonly Row[]>();
      const abort = () => {
        waiting.delete(id);
        reject(toAppError(signal.reason));
      };
      signal.addEventListener("abort", abort, { once: true });
      waiting.set(id, { resolve, reject });
      const request: ReaderRequest = { id, sql: statement.sql, values: [...statement.values] satisfies SqlValue[] };
      worker.postMessage(JSON.stringify(request));
      return promise.finally(() => signal.removeEventListener("abort", abort));
    },
    isLost: () => broken !== undefined,
    terminate() {
      worker.terminate();
      fail(newClosedError());
    },
  };
}
