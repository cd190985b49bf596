/** Time as an argument, so that a test can move it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump, also backwards: never measure a duration with it. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start. For durations. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds. @throws the signal's reason when it fires first. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}
