import type { Clock } from "../../src/core/clock.ts";

/** What watching a connection needs. */
export interface TrafficDeps {
  readonly clock: Clock;
  /** An open connection answers a ping now and then, so silence longer than this is no rest. */
  readonly maxSilenceMs: number;
  /** Calls `heard` for each frame that comes. */
  listen(heard: () => void): void;
  /** Nothing came for `seconds`. */
  silent(seconds: number): void;
  /** Something came after the silence. */
  heard(): void;
}

/** Tells when a connection has gone silent though it is open. Resolves when `signal` fires. */
export async function watchTraffic(deps: TrafficDeps, signal: AbortSignal): Promise<void> {
  const { clock, maxSilenceMs } = deps;
  let heardAt = clock.monotonic();
  let isSilent = false;
  deps.listen(() => {
    heardAt = clock.monotonic();
    if (isSilent) deps.heard();
    isSilent = false;
  });
  while (!signal.aborted) {
    const silenceMs = clock.monotonic() - heardAt;
    if (silenceMs >= maxSilenceMs) {
      isSilent = true;
      deps.silent(Math.floor(silenceMs / 1_000));
    }
    try {
      await clock.wait(isSilent ? maxSilenceMs : maxSilenceMs - silenceMs, signal);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }
}
