import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AppError } from "../core/error.ts";

/** Gives the prepared statement of an SQL text, preparing it once. SQL texts are constants of the code, so they are few. */
export function newStatementCache(database: DatabaseSync): (sql: string) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (sql) => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      prepared.set(sql, statement);
    }
    return statement;
  };
}

/** Opens the ledger's file for reading only. */
export function openReadOnly(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
}

/**
 * What an error of SQLite means. node:sqlite of Deno gives no `errcode`, so the message is what there is to go by.
 */
export function toLedgerError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const options = { cause: thrown };
  if (/disk is full/i.test(message)) {
    return new AppError("unavailable", "Cannot write the ledger: the disk is full. Free some space; nothing is lost", {
      ...options,
      reason: "disk_full",
      retryAfterMs: 5_000,
    });
  }
  if (/malformed|not a database/i.test(message)) {
    return new AppError("bug", `The ledger file is damaged (${message}). Stop, keep the file, restore a backup`, {
      ...options,
      reason: "ledger_damaged",
    });
  }
  if (/disk I\/O error|readonly|unable to open|database is locked|attempt to write/i.test(message)) {
    return new AppError("unavailable", `Cannot write the ledger: ${message}. Check the data folder's disk and rights`, {
      ...options,
      reason: "disk_failing",
      retryAfterMs: 5_000,
    });
  }
  if (/constraint/i.test(message)) return new AppError("conflict", `The ledger refused a row: ${message}`, options);
  return new AppError("bug", `The ledger refused a statement: ${message}`, options);
}
