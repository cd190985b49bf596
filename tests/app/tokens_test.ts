import assert from "node:assert/strict";
import { newTokens } from "../../src/app/tokens.ts";
import { listAudit } from "../../src/ledger/audit.ts";
import { sweepTokens } from "../../src/ledger/tokens.ts";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { openLedgerFolder, openTestLedger } from "../ledger/opening.ts";

const signal = new AbortController().signal;
const dayMs = 86_400_000;
const eva = { name: "eva", role: "viewer", expiresInMs: dayMs } as const;

Deno.test("a token is known by its text, of which the ledger keeps only a hash", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const tokens = newTokens(opened);
  const { text, ...made } = await tokens.create(eva, "cli");
  assert.match(text, /^nexo_[\w-]{43}$/);
  assert.deepEqual(tokens.find(text), made);
  assert.equal(made.expiresAt, new Date(opened.clock.now() + dayMs).toISOString());
  assert.equal(tokens.find(`${text}x`), undefined);
  const rows = JSON.stringify(opened.ledger.read.all("SELECT * FROM tokens"));
  assert.ok(rows.includes("eva") && !rows.includes(text) && !rows.includes(text.slice(5)));
});

Deno.test("a token is taken until it expires or is revoked", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const tokens = newTokens(opened);
  const { id, text } = await tokens.create(eva, "cli");
  const other = await tokens.create({ ...eva, name: "ben", expiresInMs: 2 * dayMs }, "eva");
  assert.equal(tokens.isLive(id), true);
  await opened.clock.advance(dayMs);
  assert.deepEqual([tokens.isLive(id), tokens.find(text)?.state], [false, "expired"]);
  assert.equal((await tokens.revoke(other.id, "root")).state, "revoked");
  assert.equal(tokens.isLive(other.id), false);
  assert.equal((await rejectsWith("conflict", tokens.revoke(other.id, "root"))).reason, "already_revoked");
  await rejectsWith("missing", tokens.revoke(99, "root"));
  const entries = await listAudit(opened.ledger, { limit: 9 }, signal);
  assert.deepEqual(entries.map(({ actor, action, target }) => [actor, action, target]), [
    ["root", "token.revoked", "ben, viewer"],
    ["eva", "token.created", "ben, viewer"],
    ["cli", "token.created", "eva, viewer"],
  ]);
});

Deno.test("a name means one token at a time, and nobody else in the audit", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const tokens = newTokens(opened);
  const first = await tokens.create(eva, "cli");
  assert.equal((await rejectsWith("conflict", tokens.create(eva, "cli"))).reason, "token_name_taken");
  for (const name of ["root", "Console", "gate"]) {
    assert.equal((await rejectsWith("invalid", tokens.create({ ...eva, name }, "cli"))).reason, "reserved_name");
  }
  await opened.clock.advance(dayMs);
  const second = await tokens.create(eva, "cli");
  assert.ok(second.id > first.id);
  await tokens.revoke(second.id, "cli");
  await tokens.create(eva, "cli");
  assert.deepEqual((await tokens.list(signal)).map(({ state }) => state), ["live", "revoked", "revoked"]);
});

Deno.test("no more than 200 tokens are taken at a time", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const tokens = newTokens(opened);
  for (let round = 0; round < 200; round++) await tokens.create({ ...eva, name: `t${round}` }, "cli");
  assert.equal((await rejectsWith("conflict", tokens.create(eva, "cli"))).reason, "too_many_tokens");
  await tokens.revoke(7, "cli");
  await tokens.create(eva, "cli");
});

Deno.test("that a token is used is written every ten minutes, not with each request", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger, clock } = opened;
  let commits = 0;
  const counted = {
    ...ledger,
    commit: (unit: Parameters<typeof ledger.commit>[0]) => (commits++, ledger.commit(unit)),
  };
  const tokens = newTokens({ ...opened, ledger: counted });
  const { id, text } = await tokens.create(eva, "cli");
  const lastUsed = async () => {
    await ledger.commit([]);
    return tokens.find(text)?.lastUsedAt ?? null;
  };
  assert.equal(await lastUsed(), null);
  for (let round = 0; round < 1_000; round++) tokens.used(id);
  const firstUse = new Date(clock.now()).toISOString();
  assert.equal(await lastUsed(), firstUse);
  await clock.advance(599_000);
  tokens.used(id);
  assert.equal(await lastUsed(), firstUse);
  await clock.advance(1_000);
  tokens.used(id);
  assert.equal(await lastUsed(), new Date(clock.now()).toISOString());
  assert.equal(commits, 3);
});

Deno.test("tokens that ended long ago are swept", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const tokens = newTokens(opened);
  const gone = await tokens.create(eva, "cli");
  await tokens.create({ ...eva, name: "old", expiresInMs: 2 * dayMs }, "cli");
  await tokens.create({ ...eva, name: "live", expiresInMs: 99 * dayMs }, "cli");
  await tokens.revoke(gone.id, "cli");
  const nowMs = opened.clock.now();
  await opened.ledger.commit([sweepTokens(nowMs + 1, 10)]);
  assert.deepEqual((await tokens.list(signal)).map(({ name }) => name), ["live", "old"]);
  await opened.ledger.commit([sweepTokens(nowMs + 3 * dayMs, 10)]);
  assert.deepEqual((await tokens.list(signal)).map(({ name }) => name), ["live"]);
});
