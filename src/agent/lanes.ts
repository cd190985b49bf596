import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import type { TurnWaits } from "../core/model_call.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Arrival } from "./arrival.ts";
import { isInnerPlugin } from "./policy.ts";

/** How a lane gathers what comes in. */
export interface LaneRules {
  /** Gap that ends a burst, milliseconds; 0: each message its own turn. */
  readonly debounceMs: number;
  readonly mode: "queue" | "merge" | "steer";
}

/** What {@linkcode newLanes} needs. */
export interface LanesDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Read before each turn, so that a changed config holds for the next one. */
  rules(arrival: Arrival): LaneRules;
  /** Turns that may run at the same time. */
  maxParallel(): number;
  /** Everything that the interrupted turn of `arrival` had taken, `arrival` included. */
  siblings(arrival: Arrival): readonly Arrival[];
  /** Whether a message that waits may join a running turn as things stand now. */
  mayJoin(arrival: Arrival): boolean;
  /** Runs one turn. `absorb` takes what has queued up meanwhile, where messages may join a running turn. */
  run(
    batch: readonly [Arrival, ...Arrival[]],
    waits: TurnWaits,
    absorb: () => readonly Arrival[],
    signal: AbortSignal,
  ): Promise<void>;
}

/** One serial queue for each session; sessions run in parallel. */
export interface Lanes {
  push(arrival: Arrival): void;
  /** Takes what waits and matches out of the queues; resolves when no turn runs any more that answers such. */
  withdraw(matches: (arrival: Arrival) => boolean): Promise<void>;
  /** Starts no more turns, gives running ones `budgetMs` to end, then cancels them: they resume at the next start. */
  stop(budgetMs: number): Promise<void>;
}

interface Lane {
  queue: Arrival[];
  /** The turn that runs: what it answers, and its end. */
  current: { readonly batch: readonly Arrival[]; readonly ended: Promise<void> } | undefined;
  running: boolean;
  /** Monotonic time of the newest arrival. */
  lastPushMs: number;
  wake: () => void;
  /** Rows that a resumed turn has taken and that the inbox is still to bring. */
  readonly taken: Set<number>;
}

/** A burst that never pauses is cut here, so that a chatterbox gets an answer. */
const burstBound = 50;
const burstBoundMs = 30_000;

/** Pause after a look into the ledger that failed, milliseconds. */
const readAgainMs = 1_000;

/** Makes empty {@linkcode Lanes}. */
export function newLanes(deps: LanesDeps): Lanes {
  const { clock, log, metrics } = deps;
  const lanes = new Map<string, Lane>();
  const stopping = new AbortController();
  const cancel = new AbortController();
  const permits = newPermits(deps.maxParallel, clock);
  const running = new Set<Promise<void>>();

  const work = async (id: string, lane: Lane): Promise<void> => {
    try {
      while (lane.queue.length > 0 && !stopping.signal.aborted) await runNext(lane);
    } finally {
      // In one go with the look at the queue, with no promise between: what came in between nobody would work on.
      lane.running = false;
      forget(id, lane);
    }
  };

  const runNext = async (lane: Lane): Promise<void> => {
    const gatheredMs = clock.monotonic();
    const batch = await takeReadableBatch(lane);
    if (batch === undefined) return;
    const burstMs = clock.monotonic() - gatheredMs;
    // A task runs on the permit of the turn that waits for it: if it waited for another, all could wait for each other.
    const permit = batch[0].source === "task" ? undefined : permits;
    const permitMs = await permit?.take(stopping.signal) ?? 0;
    metrics.gauge("nexo_turns_running", {}, permits.taken);
    const waits = { burstMs, permitMs };
    const ended = Promise.withResolvers<void>();
    const taken: Arrival[] = [...batch];
    lane.current = { batch: taken, ended: ended.promise };
    const takeMore = () => {
      const more = absorb(lane, batch[0]);
      taken.push(...more);
      return more;
    };
    try {
      await deps.run(batch, waits, takeMore, cancel.signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      // The end of a lane's work is where errors stop: its messages stay accepted and are tried at the next start.
      if (error.kind !== "cancelled") {
        log.error("lane.failed", { session: batch[0].sessionId, kind: error.kind, error: error.message });
      }
    } finally {
      lane.current = undefined;
      ended.resolve();
      permit?.give();
      metrics.gauge("nexo_turns_running", {}, permits.taken);
    }
  };

  /** What waits must not wait for the next message, where the ledger could not be read for a moment. */
  const takeReadableBatch = async (lane: Lane) => {
    try {
      return await takeBatch(lane);
    } catch (thrown) {
      log.error("lane.unreadable", { error: toAppError(thrown).message });
      await clock.wait(readAgainMs, stopping.signal);
      return undefined;
    }
  };

  /** A lane that took rows for a resumed turn is kept until the inbox has brought them. */
  const forget = (id: string, lane: Lane) => {
    if (!lane.running && lane.queue.length === 0 && lane.taken.size === 0) lanes.delete(id);
    metrics.gauge("nexo_lanes", {}, lanes.size);
  };

  const takeBatch = async (lane: Lane): Promise<readonly [Arrival, ...Arrival[]] | undefined> => {
    const [head] = lane.queue;
    if (head === undefined) return undefined;
    if (head.delivery.turnId !== undefined) return takeInterrupted(lane, head);
    const rules = deps.rules(head);
    if (canMerge(head) && rules.debounceMs > 0) await pauseEnds(lane, rules.debounceMs);
    if (stopping.signal.aborted) return undefined;
    const count = canMerge(head) ? burstLength(lane.queue, rules) : 1;
    const [first, ...others] = lane.queue.splice(0, count);
    return first === undefined ? undefined : [first, ...others];
  };

  const takeInterrupted = (lane: Lane, head: Arrival): readonly [Arrival, ...Arrival[]] | undefined => {
    const [first, ...others] = deps.siblings(head);
    if (first === undefined) {
      lane.queue.shift();
      return undefined;
    }
    const here = new Set(lane.queue.map((arrival) => arrival.delivery.rowId));
    const rows = new Set([first, ...others].map((arrival) => arrival.delivery.rowId)).add(head.delivery.rowId);
    for (const row of rows) if (!here.has(row)) lane.taken.add(row);
    lane.queue = lane.queue.filter((arrival) => !rows.has(arrival.delivery.rowId));
    return [first, ...others];
  };

  /** Resolves when nothing has come for `debounceMs`. */
  const pauseEnds = async (lane: Lane, debounceMs: number): Promise<void> => {
    const beganMs = clock.monotonic();
    while (!stopping.signal.aborted) {
      const nowMs = clock.monotonic();
      const restMs = Math.min(lane.lastPushMs + debounceMs, beganMs + burstBoundMs) - nowMs;
      if (restMs <= 0 || lane.queue.length >= burstBound) return;
      const pause = new AbortController();
      lane.wake = () => pause.abort();
      try {
        await clock.wait(restMs, AbortSignal.any([pause.signal, stopping.signal]));
      } catch {
        // woken by a message or by the end: the loop looks at both
      } finally {
        lane.wake = () => {};
      }
    }
  };

  const absorb = (lane: Lane, running: Arrival): readonly Arrival[] => {
    if (stopping.signal.aborted || !canMerge(running) || deps.rules(running).mode !== "steer") return [];
    const joining = lane.queue.filter((arrival) =>
      canMerge(arrival) && arrival.delivery.turnId === undefined && deps.mayJoin(arrival)
    );
    lane.queue = lane.queue.filter((arrival) => !joining.includes(arrival));
    return joining;
  };

  return {
    push(arrival) {
      if (stopping.signal.aborted) return; // it stays accepted and is answered after the next start
      let lane = lanes.get(arrival.sessionId);
      if (lane === undefined) {
        lane = { queue: [], current: undefined, running: false, lastPushMs: 0, wake: () => {}, taken: new Set() };
        lanes.set(arrival.sessionId, lane);
      }
      if (lane.taken.delete(arrival.delivery.rowId)) return forget(arrival.sessionId, lane);
      lane.queue.push(arrival);
      lane.lastPushMs = clock.monotonic();
      lane.wake();
      metrics.gauge("nexo_lanes", {}, lanes.size);
      if (lane.running) return;
      lane.running = true;
      const done = work(arrival.sessionId, lane).catch((thrown) => {
        if (!stopping.signal.aborted) log.error("lane.broken", { error: toAppError(thrown).message });
      }).finally(() => running.delete(done));
      running.add(done);
    },
    async withdraw(matches) {
      for (const lane of lanes.values()) lane.queue = lane.queue.filter((arrival) => !matches(arrival));
      const turns = [...lanes.values()].map(({ current }) => current).filter((turn) => turn !== undefined);
      await Promise.all(turns.filter(({ batch }) => batch.some(matches)).map(({ ended }) => ended));
    },
    async stop(budgetMs) {
      stopping.abort();
      const ended = Promise.all(running);
      const timer = new AbortController();
      const late = clock.wait(budgetMs, timer.signal).then(() => cancel.abort(), () => {/* all ended in time */});
      await ended;
      timer.abort();
      await late;
    },
  };
}

/**
 * Only what people write on a channel is gathered: a task, a tick or a program's request has one answer of its own, and
 * whoever sits at the console sends when the thought is complete.
 */
function canMerge({ source, session }: Arrival): boolean {
  return source === "message" && !isInnerPlugin(session.plugin);
}

function burstLength(queue: readonly Arrival[], rules: LaneRules): number {
  let count = 1;
  while (count < queue.length && count < burstBound) {
    const [before, next] = [queue[count - 1], queue[count]];
    if (before === undefined || next === undefined || !canMerge(next) || next.delivery.turnId !== undefined) break;
    // Not below 0, as the wall clock may have gone back between the two.
    const gapMs = Math.max(0, next.delivery.receivedAtMs - before.delivery.receivedAtMs);
    if (rules.mode !== "merge" && gapMs >= rules.debounceMs) break;
    count++;
  }
  return count;
}

/** Leaves to run, first come first served; how many there are may change while running. */
function newPermits(limit: () => number, clock: Clock) {
  let taken = 0;
  const waiting: (() => void)[] = [];
  return {
    get taken() {
      return taken;
    },
    /** Gives how long all were taken, milliseconds. */
    take(signal: AbortSignal): Promise<number> {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken >= limit()) {
        const beganMs = clock.monotonic();
        const { promise, resolve, reject } = Promise.withResolvers<number>();
        const grant = () => {
          signal.removeEventListener("abort", abort);
          taken++;
          resolve(clock.monotonic() - beganMs);
        };
        const abort = () => {
          waiting.splice(waiting.indexOf(grant), 1);
          reject(signal.reason);
        };
        signal.addEventListener("abort", abort, { once: true });
        waiting.push(grant);
        return promise;
      }
      taken++;
      return Promise.resolve(0);
    },
    give(): void {
      taken--;
      while (taken < limit() && waiting.length > 0) waiting.shift()?.();
    },
  };
}
