import { copyFileSync, renameSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { AppError } from "../core/error.ts";
import { migrations } from "./schema.ts";

/** Files up to this size are read through at every start, bytes; larger ones would delay it and are looked at later. */
export const checkedAtStartBytes = 32_000_000;

/**
 * Brings the ledger's file to the schema of this release. A copy is made before an existing file is changed.
 *
 * @param steps SQL of every migration there is, oldest first.
 * @throws {AppError} `invalid` for a file that is damaged; it is left as it is.
 */
export function migrate(database: DatabaseSync, path: string, steps = migrations): void {
  const version = readVersion(database, path);
  // Migrations only add, so a file of a newer release is readable and writable by this one.
  if (version >= steps.length) return;
  if (version > 0) copyBefore(database, path, `${path}.before-v${steps.length}`);
  // One transaction: a file is never between two releases, so a copy of it always is one release's.
  database.exec(`BEGIN IMMEDIATE; ${steps.slice(version).join(";")}; PRAGMA user_version = ${steps.length}; COMMIT`);
}

/**
 * Copies the database. Under another name until it is whole: a start that was cut off here must not stop the next. Not
 * with VACUUM INTO, which a worker with permissions of its own may not use; nobody else has the file open at a start.
 */
function copyBefore(database: DatabaseSync, from: string, path: string): void {
  const unfinished = `${path}.unfinished`;
  rmSync(unfinished, { force: true });
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  try {
    copyFileSync(from, unfinished);
    renameSync(unfinished, path);
  } catch (thrown) {
    // A part of a copy is no use, and may have taken the space that the release before needs to go on.
    rmSync(unfinished, { force: true });
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError(
      "unavailable",
      `Cannot copy the ledger before it is migrated: ${detail}. It is as it was, and the release before runs on it. ` +
        `Make space for ${Math.ceil(statSync(from).size / 1_000_000)} MB in its folder, then start again`,
      { cause: thrown, reason: "ledger_not_copied" },
    );
  }
}

function readVersion(database: DatabaseSync, path: string): number {
  try {
    const { page_count, page_size } = database.prepare("SELECT * FROM pragma_page_count, pragma_page_size").get() ?? {};
    if (Number(page_count) * Number(page_size) <= checkedAtStartBytes) {
      const verdict = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
      if (verdict !== "ok") throw new Error(String(verdict));
    }
    return Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError(
      "invalid",
      `Cannot open ${path}: the file is damaged (${detail}). It is kept as it is. ` +
        `Restore a backup in its place, or move it away to start with an empty ledger`,
      { cause: thrown, reason: "ledger_damaged" },
    );
  }
}
