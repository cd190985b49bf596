import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Audit } from "../http/views.ts";
import { listAudit, writeAudit } from "../ledger/audit.ts";

/** The {@linkcode Audit} of a ledger. */
export function newAudit(
  { ledger, log, clock }: { readonly ledger: Ledger; readonly log: Log; readonly clock: Clock },
): Audit {
  return {
    list: (page, signal) => listAudit(ledger, page, signal),
    async note(entry) {
      try {
        await ledger.commit([writeAudit(entry, clock.now())]);
      } catch (thrown) {
        // A full disk must not lock the operator out who could free it.
        log.error("audit.not_written", { action: entry.action, error: toAppError(thrown).message });
      }
    },
  };
}
