import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Metrics } from "../core/metrics.ts";
import { isSameText } from "../lib/same_text.ts";
import { type Actor, writeAudit } from "../ledger/audit.ts";
import {
  decidePairing,
  listPairings,
  type Pairing,
  type PairingFilter,
  type PairingState,
  readCodes,
  readPairingById,
} from "../ledger/pairing.ts";
import { newGuesses } from "../resilience/guesses.ts";

/** What an operator says about somebody. */
export type PairingDecision = "approve" | "deny" | "revoke";

/** Somebody, by the code that they were given or by the number that lists show. */
export type PairingWhom = { readonly code: string } | { readonly id: number };

/** What an operator can do about those who asked to be let in. */
export interface PairingDesk {
  /** Newest first. */
  list(filter: PairingFilter, signal: AbortSignal): Promise<readonly Pairing[]>;
  /**
   * Decides, and writes down who did. Holds from the next message and turn on. Gives how they stand now.
   *
   * @throws {AppError} `missing` for a code or number that nobody has; `conflict` for somebody about whom this cannot
   * be said; `denied`, reason `too_many_codes`, after ten wrong codes within a minute.
   */
  decide(decision: PairingDecision, whom: PairingWhom, actor: Actor): Promise<Pairing>;
}

const decisions = {
  approve: { to: "approved", from: ["pending", "denied", "revoked"] },
  deny: { to: "denied", from: ["pending"] },
  revoke: { to: "revoked", from: ["approved"] },
} as const satisfies Record<PairingDecision, { readonly to: PairingState; readonly from: readonly PairingState[] }>;

/** Makes the {@linkcode PairingDesk} of a ledger. */
export function newPairingDesk(
  { ledger, metrics, clock }: {
    readonly ledger: Pick<Ledger, "commit" | "query" | "read">;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): PairingDesk {
  const guesses = newGuesses({ clock, message: "Too many codes were wrong", reason: "too_many_codes" });

  /** Looks at every code to its end, so that the time tells nothing about any. */
  const findByCode = (code: string): number | undefined => {
    let found: number | undefined = undefined;
    for (const one of readCodes(ledger.read, clock.now())) if (isSameText(code, one.code)) found = one.id;
    return found;
  };

  const redeem = async (code: string, actor: Actor): Promise<number> => {
    guesses.check();
    const id = findByCode(code.toUpperCase());
    if (id !== undefined) return id;
    guesses.miss();
    metrics.count("nexo_refusals_total", { part: "pairing", reason: "wrong_code" });
    await ledger.commit([writeAudit({ actor, action: "pairing.wrong_code", target: "" }, clock.now())]);
    throw new AppError(
      "missing",
      "Nobody waits with this code: it is wrong, used, or older than an hour. See: agent pair list",
      { reason: "wrong_code" },
    );
  };

  return {
    list: (filter, signal) => listPairings(ledger, filter, clock.now(), signal),
    async decide(decision, whom, actor) {
      const { from, to } = decisions[decision];
      const id = "code" in whom ? await redeem(whom.code, actor) : whom.id;
      const nowMs = clock.now();
      const change = decidePairing(id, { from: "code" in whom ? ["pending"] : from, to, actor }, nowMs);
      const [, changed = []] = await ledger.commit(change);
      const pairing = readPairingById(ledger.read, id, nowMs);
      if (pairing === undefined) {
        throw new AppError("missing", `Nobody has the number ${id}. See: agent pair list`, {
          reason: "unknown_pairing",
        });
      }
      if (changed.length === 0) throw newConflict(decision, pairing);
      const { plugin, instance } = pairing;
      metrics.count("nexo_pairing_total", { plugin, instance, event: to });
      return pairing;
    },
  };
}

const remedies: Readonly<Record<PairingState, string>> = {
  pending: "They wait for an answer: approve or deny them",
  approved: "They may talk. To end that, revoke them",
  denied: "They get no answer. To let them in after all, approve them by their number",
  revoked: "They get no answer any more. To let them in again, approve them by their number",
  expired: "Their code has ended. They get a new one with their next message",
};

function newConflict(decision: PairingDecision, { id, state }: Pairing): AppError {
  return new AppError("conflict", `Cannot ${decision} number ${id}, who is ${state}. ${remedies[state]}`, {
    reason: `pairing_${state}`,
  });
}
