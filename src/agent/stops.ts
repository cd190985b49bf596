/** Turns that run, and the way to stop one. */
export interface Stops {
  /** Enters a turn until it is disposed; the signal fires when somebody stops it. */
  enter(turnId: string): { readonly signal: AbortSignal } & Disposable;
  /** Stops a turn; says whether it was running. */
  stop(turnId: string): boolean;
}

/** What stands in the transcript and in the timeline of a turn that was stopped. */
export const stoppedText = "Stopped by the operator.";

/** Makes {@linkcode Stops} without any turn. */
export function newStops(): Stops {
  const running = new Map<string, AbortController>();
  return {
    enter(turnId) {
      const controller = new AbortController();
      running.set(turnId, controller);
      return { signal: controller.signal, [Symbol.dispose]: () => void running.delete(turnId) };
    },
    stop(turnId) {
      const controller = running.get(turnId);
      controller?.abort();
      return controller !== undefined;
    },
  };
}
