import assert from "node:assert/strict";
import { listAudit, sweepAudit, writeAudit } from "../../src/ledger/audit.ts";
import { decidePairing, giveCode, isSweepDue, listPairings, readCodes, readPairing } from "../../src/ledger/pairing.ts";
import { openLedgerFolder, openTestLedger } from "./opening.ts";

const signal = new AbortController().signal;
const key = { agent: "ana", plugin: "telegram", instance: "sales", sender: "42" };
const approval = { from: ["pending"], to: "approved", actor: "cli" } as const;

Deno.test("a code overwrites no decision, and a decision that does not hold leaves no trace", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([giveCode(key, { name: "Eva", code: "AAAA" }, 0, 100)]);
  assert.deepEqual(readCodes(ledger.read, 99), [{ id: 1, code: "AAAA" }]);
  assert.deepEqual(readCodes(ledger.read, 100), []);
  assert.equal(readPairing(ledger.read, key, 100)?.state, "expired");
  const [, late] = await ledger.commit(decidePairing(1, approval, 100));
  assert.deepEqual(late, []);
  assert.deepEqual(await listAudit(ledger, { limit: 9 }, signal), []);
  await ledger.commit(decidePairing(1, approval, 99));
  await ledger.commit([giveCode(key, { name: "Eva", code: "BBBB" }, 200, 300)]);
  assert.equal(readPairing(ledger.read, key, 200)?.state, "approved");
  assert.deepEqual(readCodes(ledger.read, 200), []);
  assert.equal((await listAudit(ledger, { limit: 9 }, signal)).length, 1);
  assert.equal(isSweepDue(ledger.read, 1_000, 1_000), false);
});

Deno.test("what anybody calls themselves is a value, not a statement", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const odd = { ...key, sender: `'; DROP TABLE pairing; --` };
  await ledger.commit([giveCode(odd, { name: `"'%_`, code: "AAAA" }, 0, 100)]);
  await ledger.commit(decidePairing(1, approval, 0));
  const [person] = await listPairings(ledger, { state: "approved", limit: 5 }, 0, signal);
  assert.deepEqual([person?.sender, person?.name], [odd.sender, `"'%_`]);
});

Deno.test("the audit is paged, newest first, and swept when it is old", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const entry = (target: string) => ({ actor: "cli", action: "a", target }) as const;
  await ledger.commit([1, 2, 3].map((at) => writeAudit(entry(`${at}`), at)));
  const page = await listAudit(ledger, { before: 3, limit: 1 }, signal);
  assert.deepEqual(page.map(({ id, target }) => [id, target]), [[2, "2"]]);
  await ledger.commit([sweepAudit(3, 100)]);
  assert.deepEqual((await listAudit(ledger, { limit: 9 }, signal)).map(({ target }) => target), ["3"]);
});
