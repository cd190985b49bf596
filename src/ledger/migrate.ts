import { DatabaseSync } from "node:sqlite";
import { AppError } from "../core/error.ts";
import { migrations } from "./schema.ts";

/** Files up to this size are read through at every start, bytes; larger ones would delay it. */
const quickCheckBelowBytes = 32_000_000;

/**
 * Brings the ledger's file to the schema of this release. A copy is made before an existing file is changed.
 *
 * @throws {AppError} `invalid` for a file that is damaged or of a newer release; the file is left as it is.
 */
export function migrate(database: DatabaseSync, path: string): void {
  const version = readVersion(database, path);
  if (version > migrations.length) {
    // Migrations only add, so a newer file is readable and writable by this release.
    return;
  }
  if (version === migrations.length) return;
  if (version > 0) database.prepare("VACUUM INTO ?").run(`${path}.before-v${migrations.length}`);
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}

function readVersion(database: DatabaseSync, path: string): number {
  try {
    const { page_count, page_size } = database.prepare("SELECT * FROM pragma_page_count, pragma_page_size").get() ?? {};
    if (Number(page_count) * Number(page_size) <= quickCheckBelowBytes) {
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
