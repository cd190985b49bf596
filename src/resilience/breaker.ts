import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";

/** `closed`: calls pass; `open`: calls are refused; `half_open`: one probe at a time passes. */
export type BreakerState = "closed" | "half_open" | "open";

/** Leave to make one call. Whoever holds it must settle it; only the first settling counts. */
export interface BreakerPass {
  /** The call succeeded. */
  succeeded(): void;
  /** The call threw `thrown`; what is not the other side's fault changes nothing. */
  failed(thrown: unknown): void;
  /** The call was given up before it showed anything. */
  abandoned(): void;
}

/** Stops calling what keeps failing, and finds out by single probes when it works again. */
export interface Breaker {
  readonly name: string;
  readonly state: BreakerState;
  /** Milliseconds until the next probe may go; 0 where calls pass. */
  readonly retryAfterMs: number;
  /**
   * Asks for leave to make a call.
   *
   * @throws {AppError} `unavailable` with reason `breaker_open` while open, or while another probe runs.
   */
  allow(): BreakerPass;
  /**
   * Runs `work` with a pass.
   *
   * @throws {AppError} `unavailable` with reason `breaker_open` without running `work`; else what `work` threw.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** How a {@linkcode Breaker} behaves. */
export interface BreakerOptions {
  /** Stands in errors and metrics. */
  readonly name: string;
  readonly clock: Clock;
  /** Failures in a row that open it. @default {5} */
  readonly failures?: number;
  /** Probes in a row that must succeed to close it. @default {2} */
  readonly successes?: number;
  /** First time that it stays open; doubles with each failed probe. @default {10_000} */
  readonly openMs?: number;
  /** Longest time that it stays open. @default {120_000} */
  readonly maxOpenMs?: number;
  /** Told about each change of state. */
  readonly onChange?: (state: BreakerState) => void;
}

/** Makes a closed {@linkcode Breaker}. */
export function newBreaker(options: BreakerOptions): Breaker {
  const { name, clock, failures = 5, successes = 2, openMs = 10_000, maxOpenMs = 120_000, onChange } = options;
  let state: BreakerState = "closed";
  let streak = 0;
  let windowMs = openMs;
  let openUntil = 0;
  let probing = false;
  // A pass of an earlier state must not move a later one: a slow call that began before the breaker opened says
  // nothing about now.
  let epoch = 0;

  const change = (next: BreakerState) => {
    state = next;
    streak = 0;
    probing = false;
    epoch++;
    onChange?.(next);
  };
  const open = () => {
    openUntil = clock.monotonic() + windowMs;
    change("open");
  };
  const remainingMs = () => state === "open" ? Math.max(0, openUntil - clock.monotonic()) : 0;
  const refuse = (retryAfterMs: number) =>
    new AppError(
      "unavailable",
      `${name} is paused after repeated failures. It is tried again in ${Math.ceil(retryAfterMs / 1_000)} s`,
      { reason: "breaker_open", retryAfterMs },
    );

  const allow = (): BreakerPass => {
    if (state === "open") {
      const waitMs = remainingMs();
      if (waitMs > 0) throw refuse(waitMs);
      change("half_open");
    }
    if (state === "half_open") {
      if (probing) throw refuse(probeRetryMs);
      probing = true;
    }
    const ownEpoch = epoch;
    let settled = false;
    const settle = (effect: () => void) => {
      if (settled) return;
      settled = true;
      if (ownEpoch !== epoch) return;
      probing = false;
      effect();
    };
    return {
      succeeded: () =>
        settle(() => {
          if (state === "closed") {
            streak = 0;
            return;
          }
          if (++streak < successes) return;
          windowMs = openMs;
          change("closed");
        }),
      failed: (thrown) =>
        settle(() => {
          if (!isFailure(thrown)) return;
          if (state === "half_open") {
            windowMs = Math.min(windowMs * 2, maxOpenMs);
            open();
            return;
          }
          if (++streak >= failures) open();
        }),
      abandoned: () => settle(() => {}),
    };
  };

  return {
    name,
    get state() {
      return state;
    },
    get retryAfterMs() {
      return remainingMs();
    },
    allow,
    async run(work) {
      const pass = allow();
      try {
        const result = await work();
        pass.succeeded();
        return result;
      } catch (thrown) {
        pass.failed(thrown);
        throw thrown;
      }
    },
  };
}

/** A probe is one call long, which nobody knows beforehand: ask again soon. */
const probeRetryMs = 1_000;

/** Only what says that the other side is down: not our faults, not our cancelling, not its asking for patience. */
function isFailure(thrown: unknown): boolean {
  const error = toAppError(thrown);
  return (error.kind === "unavailable" || error.kind === "timeout") && error.reason !== "rate_limited";
}
