/** What SQLite can hold. Dates and booleans are written as text and 0/1 by whoever makes the statement. */
export type SqlValue = string | number | null;

/** One prepared SQL text with its values, in order of its `?`. The text must be a constant: it is the cache key. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Say so where the rows of a RETURNING clause are needed: they cross a thread. */
  readonly returning?: true;
}

/** A row as SQLite gives it, by column name. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Look-ups by key on the caller's isolate. Never a scan: a console page uses {@linkcode Ledger.query}. */
export interface LedgerReader {
  get(sql: string, ...values: SqlValue[]): Row | undefined;
  all(sql: string, ...values: SqlValue[]): readonly Row[];
}

/** Whether the ledger takes units, and why not. */
export type LedgerStatus =
  | { readonly state: "ok" }
  | { readonly state: "full" | "failing"; readonly reason: string; readonly since: string };

/** The SQLite file that makes inbox, turns, history and outbox durable. */
export interface Ledger extends AsyncDisposable {
  /**
   * Applies one unit, all or nothing. Resolves after the fsync that holds it; units arriving meanwhile share the next
   * one. Units are applied in the order of the calls. Rows come back for the statements with `returning`.
   *
   * @throws {AppError} `unavailable` when the disk is full or gone (nothing was written), `conflict` for a broken
   * constraint, `bug` for a statement that is wrong.
   */
  commit(unit: readonly Statement[]): Promise<readonly (readonly Row[])[]>;
  /** Sees everything whose commit() has resolved. */
  readonly read: LedgerReader;
  /** Lists, searches and counts, in a reader worker, so that a page over a million rows never stalls a turn. */
  query(statement: Statement, signal: AbortSignal): Promise<readonly Row[]>;
  /**
   * Takes what was deleted out of the files themselves: no byte of it is left in the ledger, its index and its log.
   * Units wait meanwhile.
   *
   * @throws {AppError} `unavailable` where a long query keeps the log from being emptied.
   */
  scrub(): Promise<void>;
  status(): LedgerStatus;
  /** Size of the file and its WAL on disk, bytes. */
  sizeBytes(): Promise<number>;
}
