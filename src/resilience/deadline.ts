import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import { formatDuration } from "../lib/duration.ts";

/** Why a sleeper is sent away; without a reason each abort would make an error with a stack of its own. */
const dropped = "dropped";

/** A signal that fires when its parent does or when time is up. Disposing it drops the timer. */
export interface Deadline extends Disposable {
  /** Its reason is the parent's, or an `AppError` of kind `timeout`. */
  readonly signal: AbortSignal;
}

/**
 * Makes a signal that fires with `signal`, and after `ms` milliseconds at the latest.
 *
 * @param what Stands in the error: `<what> took longer than 30.0 s`.
 */
export function withDeadline(signal: AbortSignal, ms: number, clock: Clock, what: string): Deadline {
  const link = linkSignal(signal);
  const timer = new AbortController();
  const onTime = () => link.abort(new AppError("timeout", `${what} took longer than ${formatDuration(ms)}`));
  clock.wait(ms, timer.signal).then(onTime, () => {/* disposed in time: the only way for this wait to reject */});
  return {
    signal: link.signal,
    [Symbol.dispose]() {
      timer.abort(dropped);
      link.unlink();
    },
  };
}

/** Limits of one stream, in milliseconds. */
export interface StreamTimeouts {
  /** Until the first item. */
  readonly firstMs: number;
  /** Between two items. */
  readonly idleMs: number;
  /** For all of it. */
  readonly totalMs: number;
}

/**
 * Iterates what `open` gives, as long as items come in time.
 * The signal that `open` is given fires on a missed limit, on the caller's signal, and when the iteration is left early.
 *
 * @param what Stands in the error: `<what> sent nothing for 30.0 s`.
 * @throws {AppError} `timeout` with reason `first_chunk`, `idle` or `total`; the signal's reason; what the source throws.
 */
export async function* withIdleTimeout<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  timeouts: StreamTimeouts,
  { clock, signal, what }: { readonly clock: Clock; readonly signal: AbortSignal; readonly what: string },
): AsyncGenerator<T> {
  signal.throwIfAborted();
  const link = linkSignal(signal);
  const stop = new AbortController();
  let rejectPending: ((reason: unknown) => void) | undefined;
  link.signal.addEventListener("abort", () => rejectPending?.(link.signal.reason), { once: true });

  const totalAt = clock.monotonic() + timeouts.totalMs;
  let limit: StreamLimit = { reason: "first_chunk", ms: timeouts.firstMs };
  const idle: StreamLimit = { reason: "idle", ms: timeouts.idleMs };
  /** Since when an item is awaited; `undefined` while the reader is busy, whose time is not the source's silence. */
  let awaitedSince: number | undefined = clock.monotonic();
  // One sleeper for the whole stream, which looks up the limit in force when it wakes: a timer per item would cost more
  // than the item.
  const watch = async () => {
    for (;;) {
      const now = clock.monotonic();
      if (now >= totalAt) return link.abort(toTimeout(what, "total", timeouts.totalMs));
      const dueAt = (awaitedSince ?? now) + limit.ms;
      if (now >= dueAt) return link.abort(toTimeout(what, limit.reason, limit.ms));
      // Never longer than the idle limit, so that an item which shortens the limit meanwhile is not noticed too late.
      await clock.wait(Math.min(dueAt, totalAt, now + idle.ms) - now, stop.signal);
    }
  };
  watch().catch(() => {/* rejects only because the stream has ended and stopped it */});

  const iterator = open(link.signal)[Symbol.asyncIterator]();
  const next = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      if (link.signal.aborted) {
        reject(link.signal.reason);
        return;
      }
      rejectPending = reject;
      iterator.next().then(resolve, reject);
    });
  let ended = false;
  try {
    for (;;) {
      awaitedSince = clock.monotonic();
      const item = await next();
      if (item.done) {
        ended = true;
        return;
      }
      awaitedSince = undefined;
      limit = idle;
      yield item.value;
    }
  } finally {
    stop.abort(dropped);
    if (!ended) {
      link.abort(new DOMException("The stream was left early", "AbortError"));
      // Not awaited: a source that ignores its signal must not hold up the reader.
      iterator.return?.().catch(() => {/* it was told to stop; how it stops is no longer anybody's matter */});
    }
    link.unlink();
  }
}

interface StreamLimit {
  readonly reason: "first_chunk" | "idle";
  readonly ms: number;
}

function toTimeout(what: string, reason: StreamLimit["reason"] | "total", ms: number): AppError {
  const text = reason === "total" ? `took longer than ${formatDuration(ms)}` : `sent nothing for ${formatDuration(ms)}`;
  return new AppError("timeout", `${what} ${text}`, { reason });
}

interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  unlink(): void;
}

/** A signal that follows `parent` until unlinked, so that a long-lived parent does not gather dead followers. */
function linkSignal(parent: AbortSignal): LinkedSignal {
  const controller = new AbortController();
  const follow = () => controller.abort(parent.reason);
  if (parent.aborted) follow();
  else parent.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink: () => parent.removeEventListener("abort", follow),
  };
}
