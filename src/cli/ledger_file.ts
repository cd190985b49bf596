import { lockDataFolder } from "../app/lock.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Ledger, LedgerReader, Row } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { openLedger } from "../ledger/open.ts";
import { newStatementCache, openReadOnly, toLedgerError } from "../ledger/sqlite.ts";
import { systemClock } from "../lib/clock.ts";
import { newId } from "../lib/id.ts";
import { newStderrOutput, openLog } from "../telemetry/log.ts";
import { newMetrics } from "../telemetry/metrics.ts";

/** The ledger of a data folder on which nothing runs, for reading. */
export interface LedgerFile extends Disposable {
  readonly read: LedgerReader;
  readonly query: Ledger["query"];
}

/** Where the ledger of a data folder stands. */
export function ledgerPath(dataDir: string): string {
  return `${dataDir}/ledger.db`;
}

/**
 * Opens the ledger of `dataDir`; `undefined` where there is none yet.
 *
 * @throws {AppError} `invalid` for a damaged file.
 */
export async function openLedgerFile(dataDir: string): Promise<LedgerFile | undefined> {
  if (!await exists(ledgerPath(dataDir))) return undefined;
  try {
    const database = openReadOnly(ledgerPath(dataDir));
    const prepare = newStatementCache(database);
    const read: LedgerReader = {
      get: (sql, ...values) => tell(() => prepare(sql).get(...values) as Row | undefined), // STRICT tables: text, numbers, null
      all: (sql, ...values) => tell(() => prepare(sql).all(...values) as Row[]),
    };
    return {
      read,
      query: async ({ sql, values }, signal) => {
        signal.throwIfAborted();
        return await read.all(sql, ...values);
      },
      [Symbol.dispose]: () => database.close(),
    };
  } catch (thrown) {
    throw toFileError(thrown);
  }
}

/** Opens the ledger of `dataDir`, on which nothing runs. @throws {AppError} `unavailable` where there is none yet. */
export async function requireLedgerFile(dataDir: string): Promise<LedgerFile> {
  const ledger = await openLedgerFile(dataDir);
  if (ledger !== undefined) return ledger;
  throw newNoLedgerError(dataDir);
}

/** Changes the ledger of `dataDir`, on which nothing runs, and holds the folder's lock meanwhile. */
export async function changeLedger<T>(
  dataDir: string,
  change: (
    parts: { readonly ledger: Ledger; readonly log: Log; readonly metrics: Metrics; readonly clock: Clock },
  ) => Promise<T>,
): Promise<T> {
  (await requireLedgerFile(dataDir))[Symbol.dispose]();
  const holder = { pid: Deno.pid, bootId: newId(), startedAt: new Date().toISOString() };
  await using _lock = await lockDataFolder(dataDir, { holder });
  const clock = systemClock;
  await using log = openLog({ clock, output: newStderrOutput() }, { level: "warn", format: "auto", redact: true });
  const metrics = newMetrics(log);
  await using ledger = await openLedger({ path: ledgerPath(dataDir), log, metrics, clock });
  return await change({ ledger, log, metrics, clock });
}

/** Nothing runs on the data folder, and nothing ever has. */
function newNoLedgerError(dataDir: string): AppError {
  return new AppError(
    "unavailable",
    `Nothing runs on ${dataDir}, and it holds no ledger. Start it: agent run, or name another folder with --data or AGENT_DATA`,
  );
}

function tell<T>(look: () => T): T {
  try {
    return look();
  } catch (thrown) {
    throw toFileError(thrown);
  }
}

/** A damaged file is no fault of the program that looks at it. */
function toFileError(thrown: unknown): AppError {
  const error = toLedgerError(thrown);
  return error.reason === "ledger_damaged" ? new AppError("invalid", error.message, { reason: error.reason }) : error;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
