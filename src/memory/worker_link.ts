import type { Clock } from "../core/clock.ts";
import { AppError, fromErrorRecord, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { withDeadline } from "../resilience/deadline.ts";

/** Every worker of this room says these. */
interface BasicReply {
  readonly type: string;
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: Parameters<typeof fromErrorRecord>[0];
  readonly open?: number;
}

/** A worker of the room, started with the first question and ended when it has nothing to do. */
export interface WorkerLink extends AsyncDisposable {
  /** Whether a worker runs now. */
  readonly runs: boolean;
  /**
   * Asks the worker. `request` is completed by an `id`.
   *
   * @throws {AppError} what the worker answered; `unavailable` where it is gone, cannot start or has too much to do;
   * `timeout` after `deadlineMs`.
   */
  ask(request: Readonly<Record<string, unknown>>, signal: AbortSignal, transfer?: Transferable[]): Promise<unknown>;
  /** Ends the worker, so that the next question starts a new one. */
  restart(): Promise<void>;
}

/** What {@linkcode newWorkerLink} needs. */
export interface WorkerLinkDeps {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Makes the worker; its first message is `start()`. */
  make(): Worker;
  start(): Readonly<Record<string, unknown>>;
  /** Told what the worker says beside its answers. */
  onNotice(notice: BasicReply): void;
}

const heartbeatMs = 5_000;
const maxMissedHeartbeats = 3;
/** Longest time a question may take. */
const deadlineMs = 15_000;
/** Questions that may wait for their answers. */
const maxOpenQuestions = 256;
/** A worker that had nothing open for so many heartbeats is ended: five minutes. */
const maxIdleHeartbeats = 60;
const closeMs = 5_000;

interface Life {
  readonly worker: Worker;
  readonly open: Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>;
  readonly over: AbortController;
  readonly closed: PromiseWithResolvers<void>;
  missed: number;
  idle: number;
}

/** Makes a {@linkcode WorkerLink}. Nothing runs before the first question. */
export function newWorkerLink(deps: WorkerLinkDeps): WorkerLink {
  const { name, clock, log, metrics } = deps;
  let life: Life | undefined;
  let nextId = 0;
  let disposed = false;

  const end = (ended: Life, reason: string, error: AppError) => {
    if (ended.over.signal.aborted) return;
    ended.over.abort(error);
    ended.worker.terminate();
    ended.closed.resolve();
    if (life === ended) life = undefined;
    for (const { reject } of ended.open.values()) reject(error);
    ended.open.clear();
    if (reason === "closed") return;
    metrics.count("nexo_worker_restarts_total", { plugin: name, instance: "", reason });
    log.error("memory.worker_lost", { worker: name, reason, error: error.message });
  };
  const newLostError = (why: string) =>
    new AppError("unavailable", `The worker ${name} ${why}. A new one is started with the next question`, {
      reason: "worker_lost",
      retryAfterMs: 1_000,
    });

  const take = (current: Life, reply: BasicReply) => {
    switch (reply.type) {
      case "answer":
        return current.open.get(reply.id ?? -1)?.resolve(reply.value);
      case "refused":
        return current.open.get(reply.id ?? -1)?.reject(
          reply.error === undefined ? newLostError("refused without a reason") : fromErrorRecord(reply.error),
        );
      case "pong":
        current.missed = 0;
        current.idle = reply.open === 0 && current.open.size === 0 ? current.idle + 1 : 0;
        return;
      case "closed":
        return current.closed.resolve();
      default:
        return deps.onNotice(reply);
    }
  };

  const watch = async (current: Life) => {
    const { signal } = current.over;
    while (!signal.aborted) {
      await clock.wait(heartbeatMs, signal).catch(() => {/* it ended */});
      if (signal.aborted) return;
      if (current.missed === maxMissedHeartbeats) return end(current, "hung", newLostError("did not answer for 15 s"));
      if (current.idle >= maxIdleHeartbeats) return await close(current);
      current.missed++;
      current.worker.postMessage({ type: "ping" });
    }
  };

  const begin = (): Life => {
    let worker: Worker;
    try {
      worker = deps.make();
    } catch (thrown) {
      throw new AppError("unavailable", `Cannot start the worker ${name}: ${toAppError(thrown).message}`, {
        cause: thrown,
        reason: "worker_start_failed",
      });
    }
    const current: Life = {
      worker,
      open: new Map(),
      over: new AbortController(),
      closed: Promise.withResolvers(),
      missed: 0,
      idle: 0,
    };
    worker.onmessage = ({ data }: MessageEvent<BasicReply>) => take(current, data);
    worker.onerror = (event) => {
      // Without this an error in a worker ends the whole process.
      event.preventDefault();
      end(current, "crashed", newLostError(`stopped: ${event.message}`));
    };
    worker.postMessage({ type: "start", start: deps.start() });
    watch(current);
    return current;
  };

  const close = async (current: Life) => {
    if (current.over.signal.aborted) return;
    if (life === current) life = undefined;
    current.worker.postMessage({ type: "close" });
    using deadline = withDeadline(current.over.signal, closeMs, clock, `Closing the worker ${name}`);
    const late = new Promise<void>((resolve) =>
      deadline.signal.addEventListener("abort", () => resolve(), { once: true })
    );
    await Promise.race([current.closed.promise, late]);
    end(current, "closed", newLostError("was closed"));
  };

  return {
    get runs() {
      return life !== undefined;
    },
    async ask(request, signal, transfer = []) {
      signal.throwIfAborted();
      if (disposed) throw new AppError("unavailable", "Memory is closed: the process is stopping");
      life ??= begin();
      const current = life;
      if (current.open.size >= maxOpenQuestions) {
        metrics.count("nexo_refusals_total", { part: "memory", reason: "busy" });
        throw new AppError("unavailable", `The worker ${name} has ${maxOpenQuestions} questions to answer. Try again`, {
          reason: "busy",
          retryAfterMs: 1_000,
        });
      }
      using deadline = withDeadline(signal, deadlineMs, clock, `The worker ${name}`);
      const id = nextId++;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const abort = () => reject(deadline.signal.reason);
      deadline.signal.addEventListener("abort", abort, { once: true });
      current.open.set(id, { resolve, reject });
      current.worker.postMessage({ ...request, id }, transfer);
      try {
        return await promise;
      } finally {
        current.open.delete(id);
        deadline.signal.removeEventListener("abort", abort);
      }
    },
    async restart() {
      if (life !== undefined) await close(life);
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      if (life !== undefined) await close(life);
    },
  };
}
