/** A turn that can be stopped, until it is disposed. */
export interface Stoppable extends Disposable {
  /** Fires when somebody stops the turn, and with the signal that it was entered with. */
  readonly signal: AbortSignal;
  readonly isStopped: boolean;
}

/** Turns that run, and the way to stop one. */
export interface Stops {
  enter(turnId: string, signal: AbortSignal): Stoppable;
  /** Stops a turn; says whether it was running. */
  stop(turnId: string): boolean;
}

/** What stands in the transcript and in the timeline of a turn that was stopped. */
export const stoppedText = "Stopped by the operator.";

/** Makes {@linkcode Stops} without any turn. */
export function newStops(): Stops {
  const running = new Map<string, () => void>();
  return {
    enter(turnId, signal) {
      const controller = new AbortController();
      let isStopped = false;
      const follow = () => controller.abort(signal.reason);
      if (signal.aborted) follow();
      else signal.addEventListener("abort", follow, { once: true });
      running.set(turnId, () => {
        isStopped = true;
        controller.abort();
      });
      return {
        signal: controller.signal,
        get isStopped() {
          return isStopped;
        },
        [Symbol.dispose]() {
          running.delete(turnId);
          signal.removeEventListener("abort", follow);
        },
      };
    },
    stop(turnId) {
      const stop = running.get(turnId);
      stop?.();
      return stop !== undefined;
    },
  };
}
