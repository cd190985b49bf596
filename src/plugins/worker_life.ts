import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { Inbound } from "../core/message.ts";
import type { PluginHealth } from "../core/plugin.ts";
import {
  type ChannelRequest,
  type HostMessage,
  type HostRequest,
  receiveCredits,
  type WorkerMessage,
  workerMessageSchema,
} from "../sdk/protocol.ts";
import { newQuestions, toAnswer } from "../sdk/questions.ts";

/** Why a worker is gone; the value of the `reason` label of restarts. */
export type EndReason = "crashed" | "hung" | "left" | "start_failed" | "disposed";

/** How a worker ended. */
export interface WorkerEnd {
  readonly reason: EndReason;
  /** A sentence for the operator. */
  readonly message: string;
}

/** One worker from its start to its end. Disposing it lets the plugin close its connection first. */
export interface WorkerLife extends AsyncDisposable {
  /** Requests that the plugin has not answered. */
  readonly openRequests: number;
  /** @throws {AppError} what the plugin threw; `unavailable` when the worker ends first. */
  ask(request: ChannelRequest, signal: AbortSignal): Promise<unknown>;
  /** Resolves when the plugin has stopped receiving, or the worker is gone. */
  stopReceiving(): Promise<void>;
  readonly ended: Promise<WorkerEnd>;
}

/** What a worker's life reports to its owner. */
export interface WorkerOwner {
  ready(): void;
  /** The worker answered a heartbeat. */
  alive(): void;
  health(health: PluginHealth): void;
  /** Resolves when the message cannot be lost. */
  receive(message: Inbound, signal: AbortSignal): Promise<void>;
  /** @throws {AppError} `missing` */
  secret(name: string): string;
}

/** What is needed to start a worker. */
export interface WorkerLifeDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly owner: WorkerOwner;
  readonly worker: {
    readonly name: string;
    readonly url: URL;
    readonly permissions: Deno.PermissionOptionsObject;
  };
  readonly start: { readonly instance: string; readonly stateDir: string; readonly config: unknown };
}

const heartbeatMs = 5_000;
/** Three heartbeats: 15 seconds of silence. */
const maxMissedHeartbeats = 3;
const startMs = 20_000;
const disposeMs = 5_000;
/** Log entries between two heartbeats; more are counted and dropped. */
const maxLogEntries = 500;

/** Starts a worker. Whatever goes wrong, at once or later, is told by `ended`. */
export function startWorkerLife(deps: WorkerLifeDeps): WorkerLife {
  const { clock, log, owner } = deps;
  const over = new AbortController();
  const ended = Promise.withResolvers<WorkerEnd>();
  const ready = new AbortController();
  const receivingStopped = Promise.withResolvers<void>();
  const questions = newQuestions<ChannelRequest>({
    ask: (id, request) => post({ type: "request", id, request }),
    abort: (id) => post({ type: "abort", id }),
  });
  let worker: Worker | undefined;
  let openReceives = 0;
  let missedHeartbeats = 0;
  let logEntries = 0;

  function post(message: HostMessage): void {
    worker?.postMessage(JSON.stringify(message));
  }

  function end(reason: EndReason, message: string): void {
    if (over.signal.aborted) return;
    over.abort(new AppError("cancelled", `The worker has ended: ${message}`));
    worker?.terminate();
    // A send that was under way may have gone out.
    questions.endAll(new AppError("unavailable", message, { retryAfterMs: 1_000, reason: "outcome_unknown" }));
    receivingStopped.resolve();
    ended.resolve({ reason, message });
  }

  /** Whether `ms` milliseconds passed before `signal` fired. */
  function passed(ms: number, signal: AbortSignal): Promise<boolean> {
    return clock.wait(ms, signal).then(() => true, () => false);
  }

  async function watchHeartbeat(): Promise<void> {
    do {
      if (missedHeartbeats === maxMissedHeartbeats) {
        return end("hung", "It did not answer for 15 s");
      }
      missedHeartbeats++;
      if (logEntries > maxLogEntries) log.warn("plugin.log_dropped", { dropped: logEntries - maxLogEntries });
      logEntries = 0;
      post({ type: "ping" });
    } while (await passed(heartbeatMs, over.signal));
  }

  async function watchStart(): Promise<void> {
    if (await passed(startMs, AbortSignal.any([over.signal, ready.signal]))) {
      end("start_failed", "It was not ready after 20 s");
    }
  }

  function take(data: unknown): void {
    const message = parse(data);
    if (message === undefined) return end("crashed", "It said something that is not of the protocol");
    switch (message.type) {
      case "ready":
        ready.abort();
        return owner.ready();
      case "failed":
        return end("start_failed", message.error.message);
      case "pong":
        missedHeartbeats = 0;
        return owner.alive();
      case "request":
        return serve(message.id, message.request);
      case "answer":
        return questions.take(message);
      case "log":
        if (++logEntries <= maxLogEntries) log[message.level](message.event, message.fields);
        return;
      case "health":
        return owner.health(message.health);
      case "receivingStopped":
        return receivingStopped.resolve();
      case "disposed":
        return end("disposed", "It was closed");
      case "left":
        return end("left", `It ended itself with ${message.how}()`);
    }
  }

  function serve(id: number, request: HostRequest): void {
    if (request.method === "secret") {
      toAnswer(id, () => Promise.resolve(request.name).then(owner.secret)).then(post);
      return;
    }
    if (openReceives === receiveCredits) return end("crashed", "It handed over more messages than it had credits for");
    openReceives++;
    toAnswer(id, () => owner.receive(request.message, over.signal)).then((answer) => {
      openReceives--;
      post(answer);
    });
  }

  try {
    worker = new Worker(deps.worker.url, {
      type: "module",
      name: deps.worker.name,
      deno: { permissions: deps.worker.permissions },
    });
    worker.onmessage = (event) => {
      if (!over.signal.aborted) take(event.data);
    };
    worker.onerror = (event) => {
      // Without this an error in a worker ends the whole process.
      event.preventDefault();
      end(ready.signal.aborted ? "crashed" : "start_failed", event.message);
    };
    worker.onmessageerror = () => end("crashed", "It said something that cannot be read");
    post({ type: "start", ...deps.start, credits: receiveCredits });
    watchHeartbeat();
    watchStart();
  } catch (thrown) {
    end("start_failed", thrown instanceof Error ? thrown.message : String(thrown));
  }

  return {
    get openRequests() {
      return questions.open;
    },
    ask: questions.ask,
    stopReceiving() {
      post({ type: "stopReceiving" });
      return receivingStopped.promise;
    },
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      if (over.signal.aborted) return;
      post({ type: "dispose" });
      passed(disposeMs, over.signal).then((late) => {
        if (late) end("disposed", "It did not close in 5 s");
      });
      await ended.promise;
    },
  };
}

function parse(data: unknown): WorkerMessage | undefined {
  if (typeof data !== "string") return undefined;
  try {
    return workerMessageSchema.safeParse(JSON.parse(data)).data;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
