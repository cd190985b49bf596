import { AppError } from "../core/error.ts";

/** Reason of an error that says: this file is damaged. */
export const damaged = "memory_damaged";

/**
 * What an error of SQLite means. node:sqlite of Deno gives no `errcode`, so the message is what there is to go by.
 *
 * @param path Stands in the error.
 */
export function toFileError(thrown: unknown, path: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const options = { cause: thrown };
  if (/malformed|not a database|corrupt/i.test(message)) {
    return new AppError("bug", `${path} is damaged: ${message}`, { ...options, reason: damaged });
  }
  if (/disk is full/i.test(message)) {
    return new AppError(
      "unavailable",
      `Cannot write ${path}: the disk is full, or long_term.max_bytes is reached. Free some space`,
      {
        ...options,
        reason: "disk_full",
        retryAfterMs: 5_000,
      },
    );
  }
  if (/disk I\/O error|readonly|unable to open|database is locked|attempt to write/i.test(message)) {
    return new AppError("unavailable", `Cannot use ${path}: ${message}. Check the folder's disk and rights`, {
      ...options,
      reason: "disk_failing",
      retryAfterMs: 5_000,
    });
  }
  return new AppError("bug", `${path} refused a statement: ${message}`, options);
}
