import type { Ledger, LedgerReader, Row } from "../core/ledger.ts";
import { openReader, type Reader } from "./reader_link.ts";
import { newStatementCache, openReadOnly } from "./sqlite.ts";
import { newClosedError } from "./worker_link.ts";
import { openWriter, type WriterDeps } from "./writer_link.ts";

/**
 * Opens the ledger: writer worker first (it migrates), then the reader on this isolate.
 *
 * @throws {AppError} `invalid` for a damaged file, which is kept; `unavailable` where the folder cannot be written.
 */
export async function openLedger(deps: WriterDeps): Promise<Ledger> {
  await using opening = new AsyncDisposableStack();
  const writer = opening.use(await openWriter(deps));
  const database = openReadOnly(deps.path);
  const prepare = newStatementCache(database);
  const read: LedgerReader = {
    get: (sql, ...values) => prepare(sql).get(...values) as Row | undefined, // STRICT tables: text, numbers, null
    all: (sql, ...values) => prepare(sql).all(...values) as Row[],
  };
  let reader: Reader | undefined;
  let closed = false;
  opening.move();
  return {
    commit: writer.commit,
    read,
    query(statement, signal) {
      if (closed) return Promise.reject(newClosedError());
      // Opened at the first list: a runtime whose console nobody opens does not pay for it.
      if (reader === undefined || reader.isLost()) reader = openReader(deps.path);
      return reader.query(statement, signal);
    },
    scrub: writer.scrub,
    status: writer.status,
    async sizeBytes() {
      const sizes = await Promise.all(["", "-wal"].map((suffix) => fileSize(deps.path + suffix)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      reader?.terminate();
      await writer.finish();
      // Closed before the writer, so that the writer is the last and merges the log into the file.
      if (database.isOpen) database.close();
      await writer[Symbol.asyncDispose]();
    },
  };
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}
