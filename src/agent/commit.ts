import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Ledger, Row, Statement } from "../core/ledger.ts";

const firstWaitMs = 100;
const longestWaitMs = 5_000;

/**
 * Commits a unit that must get in: while the ledger is `unavailable` (full disk) it waits and tries again, so that a
 * turn's work is not thrown away.
 *
 * @throws {AppError} what the ledger says otherwise; the signal's reason.
 */
export async function commitWhenPossible(
  { ledger, clock }: { readonly ledger: Pick<Ledger, "commit">; readonly clock: Clock },
  unit: readonly Statement[],
  signal: AbortSignal,
): Promise<readonly (readonly Row[])[]> {
  for (let waitMs = firstWaitMs;; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    try {
      return await ledger.commit(unit);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.kind !== "unavailable" || signal.aborted) throw error;
      await clock.wait(waitMs, signal);
    }
  }
}
