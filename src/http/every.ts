import type { Clock } from "../core/clock.ts";

/** Does `task` every `ms` milliseconds until `signal` fires. */
export async function every(ms: number, clock: Clock, signal: AbortSignal, task: () => void): Promise<void> {
  try {
    while (!signal.aborted) {
      await clock.wait(ms, signal);
      task();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
