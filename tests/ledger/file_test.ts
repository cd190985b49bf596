import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../src/ledger/migrate.ts";
import { migrations } from "../../src/ledger/schema.ts";
import { openLedgerFolder, openTestLedger, rowIds, writeRow } from "./opening.ts";

/** Makes a ledger with some rows at `path` and gives its bytes. */
async function makeLedgerFile(path: string): Promise<Uint8Array> {
  {
    await using opened = await openTestLedger(path);
    await opened.ledger.commit(Array.from({ length: 50 }, (_, id) => writeRow(id, "x".repeat(2_000))));
  }
  return await Deno.readFile(path);
}

/** Opening must fail with a clear message and leave every byte where it was. */
async function assertRefused(path: string, bytes: Uint8Array): Promise<void> {
  await Deno.writeFile(path, bytes);
  await assert.rejects(openTestLedger(path), (error: Error) => {
    assert.equal(Reflect.get(error, "kind"), "invalid");
    assert.equal(Reflect.get(error, "reason"), "ledger_damaged");
    assert.match(error.message, /is damaged .* It is kept as it is\. Restore a backup/s);
    assert.ok(error.message.includes(path));
    return true;
  });
  assert.deepEqual(await Deno.readFile(path), bytes);
}

Deno.test("a file that is no database is refused and kept", async () => {
  await using folder = await openLedgerFolder();
  await assertRefused(folder.path, new TextEncoder().encode("this is no database ".repeat(500)));
});

Deno.test("a file with a damaged page is refused and kept", async () => {
  await using folder = await openLedgerFolder();
  const bytes = await makeLedgerFile(folder.path);
  await assertRefused(folder.path, bytes.with(0, bytes[0] ?? 0).fill(0xa5, 4_096, 40_960));
});

Deno.test("a truncated file is refused and kept", async () => {
  await using folder = await openLedgerFolder();
  const bytes = await makeLedgerFile(folder.path);
  await assertRefused(folder.path, bytes.slice(0, Math.floor(bytes.length / 2)));
});

Deno.test("a folder that is not there is said to be so", async () => {
  await using folder = await openLedgerFolder();
  await assert.rejects(openTestLedger(`${folder.path}.d/ledger.db`), { kind: "unavailable", reason: "disk_failing" });
});

Deno.test("a file of a newer release opens", async () => {
  await using folder = await openLedgerFolder();
  await makeLedgerFile(folder.path);
  {
    using database = new DatabaseSync(folder.path);
    database.exec(
      `ALTER TABLE messages ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'; PRAGMA user_version = ${
        migrations.length + 7
      }`,
    );
  }
  await using opened = await openTestLedger(folder.path);
  await opened.ledger.commit([writeRow(100)]);
  assert.equal(rowIds(opened.ledger).length, 51);
  assert.equal(opened.ledger.read.get("PRAGMA user_version")?.user_version, migrations.length + 7);
});

const newer = [...migrations, "CREATE TABLE one (id INTEGER) STRICT", "CREATE TABLE two (id INTEGER) STRICT"];

Deno.test("a file is copied before it is migrated, and keeps its rows", async () => {
  await using folder = await openLedgerFolder();
  await makeLedgerFile(folder.path);
  const copy = `${folder.path}.before-v${newer.length}`;
  await Deno.writeTextFile(`${copy}.unfinished`, "left by a start that was cut off");
  {
    using database = new DatabaseSync(folder.path);
    migrate(database, folder.path, newer);
    assert.deepEqual({ ...database.prepare("SELECT count(*) AS rows FROM messages").get() }, { rows: 50 });
    assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: newer.length });
    database.prepare("SELECT * FROM one, two").all();
  }
  using kept = new DatabaseSync(copy, { readOnly: true });
  assert.deepEqual({ ...kept.prepare("PRAGMA user_version").get() }, { user_version: migrations.length });
  assert.deepEqual({ ...kept.prepare("SELECT count(*) AS rows FROM messages").get() }, { rows: 50 });
  assert.throws(() => Deno.statSync(`${copy}.unfinished`), Deno.errors.NotFound);
});

Deno.test("a migration that fails leaves the file at its release, and the next try works", async () => {
  await using folder = await openLedgerFolder();
  await makeLedgerFile(folder.path);
  {
    using database = new DatabaseSync(folder.path);
    assert.throws(() => migrate(database, folder.path, [...newer.slice(0, -1), "CREATE TABLE one (id INTEGER)"]));
  }
  using database = new DatabaseSync(folder.path);
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: migrations.length });
  migrate(database, folder.path, newer);
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: newer.length });
});

Deno.test("where the copy cannot be made the file is not migrated, and no part of a copy takes up space", async () => {
  await using folder = await openLedgerFolder();
  await makeLedgerFile(folder.path);
  const copy = `${folder.path}.before-v${newer.length}`;
  await Deno.mkdir(`${copy}/in the way`, { recursive: true });
  {
    using database = new DatabaseSync(folder.path);
    assert.throws(() => migrate(database, folder.path, newer), (error: Error) => {
      assert.equal(Reflect.get(error, "kind"), "unavailable");
      assert.match(error.message, /Cannot copy the ledger .*It is as it was.*Make space for 1 MB/);
      return true;
    });
    assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: migrations.length });
  }
  assert.throws(() => Deno.statSync(`${copy}.unfinished`), Deno.errors.NotFound);
});

Deno.test("a new file is not copied", async () => {
  await using folder = await openLedgerFolder();
  await using _opened = await openTestLedger(folder.path);
  const entries = await Array.fromAsync(Deno.readDir(folder.path.slice(0, folder.path.lastIndexOf("/"))));
  assert.deepEqual(entries.filter(({ name }) => name.includes("before")), []);
});
