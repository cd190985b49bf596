import assert from "node:assert/strict";
import { openLedgerFolder, openTestLedger, rowIds, writeRow } from "./opening.ts";

Deno.test("a unit is applied whole or not at all", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([writeRow(1)]);
  await assert.rejects(ledger.commit([writeRow(2), writeRow(1)]), { kind: "conflict" });
  assert.deepEqual(rowIds(ledger), [1]);
});

Deno.test("a failing unit harms no neighbour in its group", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  const outcomes = await Promise.allSettled([
    ledger.commit([writeRow(1)]),
    ledger.commit([writeRow(2), writeRow(1)]),
    ledger.commit([{ sql: "INSERT INTO nowhere VALUES (1)", values: [] }]),
    ledger.commit([writeRow(3)]),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "rejected", "fulfilled"]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === "rejected" ? outcome.reason.kind : "ok"),
    ["ok", "conflict", "bug", "ok"],
  );
  assert.deepEqual(rowIds(ledger), [1, 3]);
  assert.deepEqual(ledger.status(), { state: "ok" });
});

Deno.test("units are applied in the order of the calls", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([writeRow(1, "")]);
  const append = (text: string) =>
    ledger.commit([{ sql: "UPDATE messages SET body = body || ? WHERE id = 1", values: [text] }]);
  const resolved: number[] = [];
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => append(`${index},`).then(() => void resolved.push(index))),
  );
  const wanted = Array.from({ length: 200 }, (_, index) => index);
  assert.equal(ledger.read.get("SELECT body FROM messages")?.body, wanted.map((index) => `${index},`).join(""));
  assert.deepEqual(resolved, wanted);
});

Deno.test("rows come back for the statements that want them, by place", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const insert = `${writeRow(0).sql} ON CONFLICT DO NOTHING RETURNING id, body`;
  const rows = await opened.ledger.commit([
    writeRow(1),
    { sql: insert, values: [2, "two"], returning: true },
    { sql: insert, values: [1, "again"], returning: true },
  ]);
  assert.deepEqual(rows, [[], [{ id: 2, body: "two" }], []]);
});

Deno.test("texts come back as they were written", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const texts = ["", "Grüße 👋🏽", "'; DROP TABLE messages; --", "\ud800 alone", "line\nline"];
  await opened.ledger.commit(texts.map((text, index) => writeRow(index, text)));
  const read = opened.ledger.read.all("SELECT body FROM messages ORDER BY id").map(({ body }) => body);
  assert.deepEqual(read, texts.map((text) => text.toWellFormed()));
});

Deno.test("a reader sees everything whose commit has resolved", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  for (let id = 1; id <= 50; id++) {
    await opened.ledger.commit([writeRow(id)]);
    assert.equal(rowIds(opened.ledger).length, id);
  }
});

Deno.test("the reader on this isolate cannot write", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  assert.throws(() => opened.ledger.read.all("DELETE FROM messages"), /readonly/);
});

Deno.test("lists come from the reader's worker, and errors say what is wrong", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const { ledger } = opened;
  await ledger.commit([writeRow(1), writeRow(2)]);
  const signal = new AbortController().signal;
  const list = { sql: "SELECT id FROM messages WHERE id > ?", values: [1] };
  assert.deepEqual(await ledger.query(list, signal), [{ id: 2 }]);
  await assert.rejects(ledger.query({ sql: "SELECT nothing FROM nowhere", values: [] }, signal), { kind: "bug" });
  assert.deepEqual(await ledger.query(list, signal), [{ id: 2 }]);
});

Deno.test("a list that nobody waits for any more ends at once", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  const leave = new AbortController();
  const long = opened.ledger.query({
    sql:
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) AS c FROM n",
    values: [],
  }, leave.signal);
  leave.abort();
  await assert.rejects(long, { kind: "cancelled" });
  const gone = AbortSignal.abort();
  await assert.rejects(opened.ledger.query({ sql: "SELECT 1", values: [] }, gone), { kind: "cancelled" });
});

Deno.test("disposing waits for the units in flight, refuses later ones, and is harmless twice", async () => {
  await using folder = await openLedgerFolder();
  const { ledger } = await openTestLedger(folder.path);
  const inFlight = Array.from({ length: 20 }, (_, index) => ledger.commit([writeRow(index)]));
  const closed = ledger[Symbol.asyncDispose]();
  await assert.rejects(ledger.commit([writeRow(100)]), { kind: "unavailable" });
  await closed;
  assert.equal((await Promise.all(inFlight)).length, 20);
  await ledger[Symbol.asyncDispose]();
  await using again = await openTestLedger(folder.path);
  assert.equal(rowIds(again.ledger).length, 20);
});

Deno.test("disposing ends the lists that are still waited for", async () => {
  await using folder = await openLedgerFolder();
  const { ledger } = await openTestLedger(folder.path);
  const signal = new AbortController().signal;
  const waiting = ledger.query({ sql: "SELECT 1 AS one", values: [] }, signal);
  const refused = assert.rejects(waiting, { kind: "unavailable" });
  await ledger[Symbol.asyncDispose]();
  await refused;
  await assert.rejects(ledger.query({ sql: "SELECT 1 AS one", values: [] }, signal), { kind: "unavailable" });
});

Deno.test("size is that of the file with its log", async () => {
  await using folder = await openLedgerFolder();
  await using opened = await openTestLedger(folder.path);
  await opened.ledger.commit([writeRow(1, "x".repeat(1_000_000))]);
  const sizes = [".db", ".db-wal"].map((end) => Deno.statSync(folder.path.replace(/\.db$/, end)).size);
  assert.equal(await opened.ledger.sizeBytes(), (sizes[0] ?? 0) + (sizes[1] ?? 0));
});

Deno.test("no unit that was acknowledged is missing after kill -9", async () => {
  await using folder = await openLedgerFolder();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", new URL("./committing_main.ts", import.meta.url).pathname, folder.path],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    text += decoder.decode(bytes, { stream: true });
    if (text.split("\n").length > 500) child.kill("SIGKILL");
  }
  await child.status;
  const acknowledged = text.split("\n").slice(0, -1).map(Number);
  assert.ok(acknowledged.length >= 500);
  await using opened = await openTestLedger(folder.path);
  const there = new Set(rowIds(opened.ledger));
  assert.deepEqual(acknowledged.filter((id) => !there.has(id)), []);
});
