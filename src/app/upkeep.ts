import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Live } from "../lib/live.ts";
import type { PluginHostRoom } from "../plugins/host.ts";
import { openBackground } from "./background.ts";
import type { LoadWatch } from "./intake.ts";
import type { LedgerRoom } from "./ledger_room.ts";
import { findCollector, giveMemoryBack } from "./memory.ts";
import { sweepLedger } from "./sweep.ts";

/** What {@linkcode openUpkeep} needs. */
export interface UpkeepDeps {
  readonly config: Live<Config>;
  readonly load: Pick<LoadWatch, "run">;
  readonly ledger: LedgerRoom;
  readonly host: Pick<PluginHostRoom, "apply">;
  readonly log: Log & { configure(options: Config["runtime"]["log"]): void };
  readonly clock: Clock;
}

/** Keeps the house while it stands: watches the load, checks and sweeps the ledger, follows the config, gives memory back. */
export function openUpkeep({ config, load, ledger, host, log, clock }: UpkeepDeps): AsyncDisposable {
  const followConfig = async (signal: AbortSignal) => {
    for await (const changed of config.changes(signal)) {
      log.configure(changed.runtime.log);
      await host.apply(changed.plugins);
    }
  };
  const sweep = (signal: AbortSignal) => sweepLedger({ ledger, config, clock, log }, signal);
  const collect = findCollector();
  const rest = (signal: AbortSignal) =>
    collect === undefined ? Promise.resolve() : giveMemoryBack({ clock, heap: Deno.memoryUsage, collect }, signal);
  return openBackground(log, [load.run, ledger.lookForDamage, sweep, followConfig, rest]);
}
