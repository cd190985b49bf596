import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";

/** Works that go on until their signal fires. Disposing fires it and waits for their ends; one that fails is logged. */
export function openBackground(
  log: Log,
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
): AsyncDisposable {
  const stop = new AbortController();
  const running = works.map(async (work) => {
    try {
      await work(stop.signal);
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (!stop.signal.aborted || kind !== "cancelled") log.error("app.part_failed", { error: message });
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new AppError("cancelled", "The process is stopping"));
      await Promise.all(running);
    },
  };
}
