import { DatabaseSync, type StatementSync } from "node:sqlite";

/** The SQLite file in which an instance keeps what must outlive it. What a call has written is on disk when it returns. */
export interface StateFile extends Disposable {
  /** Makes a statement, once; it is run many times. */
  prepare(sql: string): StatementSync;
  /** All that `work` writes, or nothing of it. */
  transact(work: () => void): void;
  /**
   * Makes what deletes rows older than `keepMs` from `tables`, by their column `at`: at its first call, and then once in
   * a thousand calls.
   */
  newSweep(tables: readonly string[], keepMs: number): () => void;
}

/** Calls between two sweeps. */
const sweepEvery = 1_000;

/** Opens the file `path`, which only its owner may read, and makes its tables by `schema` where they are missing. */
export function openStateFile(path: string, schema: string): StateFile {
  Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
  Deno.chmodSync(path, 0o600);
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 2000;
    PRAGMA secure_delete = ON;
    ${schema}
  `);
  return {
    prepare: (sql) => database.prepare(sql),
    transact(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        work();
        database.exec("COMMIT");
      } catch (thrown) {
        database.exec("ROLLBACK");
        throw thrown;
      }
    },
    newSweep(tables, keepMs) {
      const sweeps = tables.map((table) => database.prepare(`DELETE FROM ${table} WHERE at < ?`));
      let calls = 0;
      return () => {
        if (calls++ % sweepEvery === 0) { for (const sweep of sweeps) sweep.run(Date.now() - keepMs); }
      };
    },
    [Symbol.dispose]: () => database.close(),
  };
}
