import assert from "node:assert/strict";
import { openLedgerRoom } from "../../src/app/ledger_room.ts";
import { toLedgerStatus } from "../../src/app/subsystems.ts";
import { checkedAtStartBytes } from "../../src/ledger/migrate.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { newMetrics } from "../../src/telemetry/metrics.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";

const limits = { max_ledger_bytes: undefined };
const pageBytes = 4_096;

async function openRoom(dataDir: string) {
  const log = newRecordedLog();
  return await openLedgerRoom({ dataDir, limits, wrap: undefined, log, metrics: newMetrics(log), clock: systemClock });
}

async function fill(dataDir: string, bytes: number): Promise<void> {
  await using ledger = await openRoom(dataDir);
  await ledger.commit([{ sql: "INSERT INTO probe (id, filler) VALUES (7, ?)", values: ["x".repeat(bytes)] }]);
}

Deno.test("a large ledger that is whole is read through after the start, and nothing is said", async () => {
  await using data = await openTempDir();
  await fill(data.path, checkedAtStartBytes);
  await using ledger = await openRoom(data.path);
  await ledger.lookForDamage(AbortSignal.timeout(60_000));
  assert.equal(ledger.damage(), undefined);
  assert.deepEqual(toLedgerStatus(ledger), { name: "ledger", state: "ok", critical: true });
});

Deno.test("damage in a large ledger is found after the start, and the status says what to do", async () => {
  await using data = await openTempDir();
  await fill(data.path, checkedAtStartBytes);
  {
    using file = await Deno.open(`${data.path}/ledger.db`, { write: true });
    // In the middle of the chain of pages that hold the long text.
    await file.seek(4_000 * pageBytes, Deno.SeekMode.Start);
    await file.write(new Uint8Array(pageBytes).fill(0xff));
  }
  await using ledger = await openRoom(data.path);
  assert.equal(toLedgerStatus(ledger).state, "ok");
  await ledger.lookForDamage(AbortSignal.timeout(60_000));
  const { state, reason = "" } = toLedgerStatus(ledger);
  assert.equal(state, "degraded");
  assert.match(reason, /ledger\.db is damaged .* restore a backup/s);
});
