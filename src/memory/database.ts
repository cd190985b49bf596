import { DatabaseSync } from "node:sqlite";
import { AppError } from "../core/error.ts";
import { damaged } from "./file_error.ts";
import { schema, schemaVersion } from "./schema.ts";

/** How an agent's file is opened. */
export interface DatabaseOptions {
  readonly path: string;
  /** Path of the sqlite-vec library; absent: vectors are kept and not searched. */
  readonly vectorLibrary: string | undefined;
  /** The file may grow to this, bytes. */
  readonly maxBytes: number;
  /** Look through the whole file for damage before it is used. */
  readonly check: boolean;
}

/** Pages of 8 KiB that SQLite keeps in memory for one file, KiB. */
const cacheKib = 2_048;
const pageBytes = 8_192;

/**
 * Opens the database of an agent's facts, and makes its tables where there are none. The folder must be there.
 *
 * @throws {AppError} `bug` with reason `memory_damaged` for a file that is damaged, `invalid` for one of a newer release.
 */
export function openDatabase({ path, vectorLibrary, maxBytes, check }: DatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(path, { allowExtension: vectorLibrary !== undefined, timeout: 5_000 });
  try {
    database.exec(
      `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
       PRAGMA secure_delete = ON; PRAGMA cache_size = -${cacheKib}; PRAGMA temp_store = MEMORY;
       PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)};`,
    );
    if (vectorLibrary !== undefined) database.loadExtension(vectorLibrary);
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > schemaVersion) {
      throw new AppError("invalid", `${path} was written by a newer release. Start that one, or move the file away`);
    }
    if (version === 0) database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT`);
    const fault = check ? database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"] : "ok";
    if (fault !== "ok") throw new AppError("bug", `${path} is damaged: ${fault}`, { reason: damaged });
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
