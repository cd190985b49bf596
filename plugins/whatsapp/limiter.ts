import type { Clock } from "../../src/core/clock.ts";

/** How fast may be sent. */
export interface Rate {
  readonly perSecond: number;
  /** How many may go at once, after a pause. */
  readonly burst: number;
}

/** Lets sends pass one by one, at a certain rate for each key. */
export interface Limiter {
  /** Waits for the turn of `key`; first come, first served. @throws the signal's reason when it fires first. */
  take(key: string, signal: AbortSignal): Promise<void>;
}

/** Keys that are looked through for idle ones, once there are so many. */
const maxKeys = 1_000;

/** Makes a {@linkcode Limiter}. */
export function newLimiter({ perSecond, burst }: Rate, clock: Clock): Limiter {
  const intervalMs = 1_000 / perSecond;
  /** When the next send of a key would be due if it had no burst. */
  const dueAt = new Map<string, number>();
  return {
    async take(key, signal) {
      const now = clock.monotonic();
      if (dueAt.size >= maxKeys) {
        for (const [idle, at] of dueAt) if (at <= now) dueAt.delete(idle);
      }
      const due = Math.max(dueAt.get(key) ?? 0, now);
      dueAt.set(key, due + intervalMs);
      const waitMs = due - now - (burst - 1) * intervalMs;
      if (waitMs > 0) await clock.wait(waitMs, signal);
    },
  };
}
