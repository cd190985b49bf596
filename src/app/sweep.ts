import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Live } from "../lib/live.ts";
import { sweepTraffic } from "../ledger/activity.ts";
import { sweepAudit } from "../ledger/audit.ts";
import { sweepPurged } from "../ledger/dead.ts";
import { sweepFinished } from "../ledger/queues.ts";
import { sweepAgent } from "../ledger/retention.ts";
import { sweepTokens } from "../ledger/tokens.ts";

/** What {@linkcode sweepLedger} uses. */
export interface SweepDeps {
  readonly ledger: Pick<Ledger, "commit">;
  readonly config: Live<Config>;
  readonly clock: Clock;
  readonly log: Log;
}

const everyMs = 600_000;
/** How long a purge of dead letters can be taken back, at least. */
const restoreMs = 600_000;
const sweepRows = 5_000;
/** Messages that one unit deletes: the writer serves turns between two of them. */
const messageRows = 500;

/** Deletes what is kept no longer, every ten minutes until `signal` fires. Nothing depends on a sweep: the next one does it. */
export async function sweepLedger({ ledger, config, clock, log }: SweepDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.wait(everyMs, signal);
    try {
      const { agents, runtime } = config.current;
      const { finished, audit } = runtime.retention;
      const nowMs = clock.now();
      await ledger.commit([
        ...sweepFinished(nowMs - finished, sweepRows),
        ...sweepPurged(nowMs - restoreMs, sweepRows),
        sweepAudit(nowMs - audit, sweepRows),
        sweepTokens(nowMs - audit, sweepRows),
        sweepTraffic(nowMs, sweepRows),
      ]);
      for (const { id, retention } of agents) if (retention !== undefined) await sweepMessages(id, retention);
    } catch (thrown) {
      log.warn("ledger.sweep_failed", { error: toAppError(thrown).message });
    }
  }

  async function sweepMessages(agent: string, keepMs: number): Promise<void> {
    for (let deleted = messageRows; deleted === messageRows && !signal.aborted;) {
      const [, messages] = await ledger.commit(sweepAgent(agent, clock.now() - keepMs, messageRows));
      deleted = messages?.length ?? 0;
      if (deleted > 0) log.info("ledger.swept", { agent, messages: deleted });
    }
  }
}
