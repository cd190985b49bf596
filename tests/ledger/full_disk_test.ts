import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Ledger } from "../../src/core/ledger.ts";
import { openLedgerFolder, openTestLedger, rowIds, writeRow } from "./opening.ts";

const maxBytes = 1_000_000;
const filler = "x".repeat(50_000);

/** Writes until the ledger refuses. Gives the ids that are in. */
async function fill(ledger: Ledger): Promise<readonly number[]> {
  const written: number[] = [];
  for (let id = 10; id < 1_000; id++) {
    try {
      await ledger.commit([writeRow(id, filler)]);
      written.push(id);
    } catch (thrown) {
      assert.ok(thrown instanceof Error);
      assert.equal(Reflect.get(thrown, "kind"), "unavailable");
      assert.equal(Reflect.get(thrown, "reason"), "disk_full");
      return written;
    }
  }
  throw new Error("the ledger never got full");
}

Deno.test("a full ledger refuses units whole, says so, and keeps what it took", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path, { maxBytes });
  const { ledger, log, metrics } = opened;
  const written = await fill(ledger);
  await assert.rejects(ledger.commit([writeRow(2_000), writeRow(2_001, filler.repeat(20))]), { kind: "unavailable" });
  assert.deepEqual(rowIds(ledger), written);
  const status = ledger.status();
  assert.ok(status.state === "full");
  assert.match(status.reason, /disk is full.*nothing is lost/i);
  assert.equal(log.entries.filter(({ event }) => event === "ledger.refuses").length, 1);
  assert.ok(metrics.valueOf("nexo_ledger_units_total", { result: "unavailable" }) >= 2);
});

Deno.test("a unit that does not fit harms no neighbour that does", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path, { maxBytes });
  const outcomes = await Promise.allSettled([
    opened.ledger.commit([writeRow(1)]),
    opened.ledger.commit([writeRow(2, filler.repeat(40))]),
    opened.ledger.commit([writeRow(3)]),
  ]);
  const accepted = outcomes.flatMap(({ status }, index) => status === "fulfilled" ? [index + 1] : []);
  assert.ok(!accepted.includes(2));
  assert.deepEqual(rowIds(opened.ledger), accepted);
});

Deno.test("a full ledger takes units again by itself once there is space", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path, { maxBytes });
  const { ledger, clock, log } = opened;
  const written = await fill(ledger);
  await clock.untilWaiting(1);
  {
    // Another hand makes room: what a growing disk or a purge does.
    using other = new DatabaseSync(folder.path);
    other.exec(`DELETE FROM messages WHERE id < ${(written.at(-1) ?? 0) - 2}`);
  }
  assert.equal(ledger.status().state, "full");
  const recovered = log.nextEntry(({ event }) => event === "ledger.recovered", AbortSignal.timeout(60_000));
  await clock.advance(1_000);
  await recovered;
  assert.deepEqual(ledger.status(), { state: "ok" });
});

// Where this process may not mount a disk, the limit of the file above stands for it.
const mayMount = await mountSmallDisk().then((disk) => disk?.[Symbol.asyncDispose]().then(() => true)) ?? false;
const testOnDisk = (name: string, work: (path: string) => Promise<void>) => {
  if (!mayMount) return;
  Deno.test(name, async () => {
    await using disk = await mountSmallDisk();
    assert.ok(disk);
    await work(disk.path);
  });
};

testOnDisk("a full disk refuses, and takes units again when files are gone", async (path) => {
  await using opened = await openTestLedger(`${path}/ledger.db`);
  const { ledger, clock, log } = opened;
  await Deno.writeFile(`${path}/ballast`, new Uint8Array(1_000_000));
  const written = await fill(ledger);
  assert.equal(ledger.status().state, "full");
  assert.deepEqual(rowIds(ledger), written);
  await clock.untilWaiting(1);
  await Deno.remove(`${path}/ballast`);
  const recovered = log.nextEntry(({ event }) => event === "ledger.recovered", AbortSignal.timeout(60_000));
  await clock.advance(1_000);
  await recovered;
  await ledger.commit([writeRow(5_000)]);
  assert.deepEqual(rowIds(ledger), [...written, 5_000]);
});

/** A disk of 4 MB in memory, where this process may mount one. */
async function mountSmallDisk(): Promise<(AsyncDisposable & { readonly path: string }) | undefined> {
  const path = await Deno.makeTempDir({ prefix: "ledger-disk-" });
  const run = (...command: readonly string[]) =>
    new Deno.Command(command[0] ?? "", { args: command.slice(1), stdout: "null", stderr: "null" }).output();
  const mounted = await run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path)
    .then(({ success }) => success, () => false);
  if (!mounted) {
    await Deno.remove(path);
    return undefined;
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run("umount", "-l", path);
      await Deno.remove(path);
    },
  };
}
