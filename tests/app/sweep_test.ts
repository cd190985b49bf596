import assert from "node:assert/strict";
import { sweepLedger } from "../../src/app/sweep.ts";
import type { Statement } from "../../src/core/ledger.ts";
import { newLive } from "../../src/lib/live.ts";
import { newConfig } from "../agent/room.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";

Deno.test("every ten minutes each agent with a retention is swept until nothing old is left", async () => {
  const clock = newFakeClock();
  const stop = new AbortController();
  const units: (readonly Statement[])[] = [];
  const left = [500, 500, 7];
  const config = newLive(newConfig({ agents: [{ retention: "24h" }, { id: "ben" }] }));
  const sweeping = sweepLedger({
    ledger: {
      commit(unit) {
        units.push(unit);
        return Promise.resolve([[], Array.from({ length: left.shift() ?? 0 }, () => ({}))]);
      },
    },
    config,
    clock,
    log: newRecordedLog(),
  }, stop.signal);
  left.unshift(0); // the sweep of what is finished
  await clock.advance(600_000);
  assert.equal(units.length, 4);
  const [agent, beforeMs] = units[1]?.[0]?.values ?? [];
  assert.deepEqual([agent, beforeMs], ["ana", clock.now() - 86_400_000]);
  stop.abort();
  await assert.rejects(sweeping);
});
