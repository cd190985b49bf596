import { toAppError } from "../core/error.ts";
import { openReader } from "./reader_link.ts";

/**
 * Reads the whole file of a ledger through for damage, in a worker of its own, while others read and write it.
 *
 * @returns What is wrong, in SQLite's words; `undefined` where nothing is.
 * @throws {AppError} the signal's reason; `unavailable` where the file cannot be read.
 */
export async function findDamage(path: string, signal: AbortSignal): Promise<string | undefined> {
  const reader = openReader(path);
  try {
    const [row = {}] = await reader.query({ sql: "PRAGMA quick_check(1)", values: [] }, signal);
    const [verdict] = Object.values(row);
    return verdict === "ok" ? undefined : String(verdict);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.reason === "ledger_damaged") return error.message;
    throw error;
  } finally {
    reader.terminate();
  }
}
