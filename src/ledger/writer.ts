/// <reference lib="deno.worker" />
// The ledger's one writer, in a worker of its own, so that the main isolate never waits on a disk.
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { AppError, type ErrorRecord, toErrorRecord } from "../core/error.ts";
import type { Row } from "../core/ledger.ts";
import type { UnitOutcome, WireStatement, WriterReply, WriterRequest, WriterStart } from "./protocol.ts";
import { migrate } from "./migrate.ts";
import { newStatementCache, toLedgerError } from "./sqlite.ts";

const post = (reply: WriterReply) => self.postMessage(JSON.stringify(reply));

self.onmessage = (first: MessageEvent<string>) => {
  // Posted by openLedger() of this release: our own data, not foreign text.
  const start: WriterStart = JSON.parse(first.data);
  try {
    serve(open(start));
    post({ kind: "opened" });
  } catch (thrown) {
    post({ kind: "refused", error: toErrorRecord(toLedgerError(thrown)) });
  }
};

function open(start: WriterStart): DatabaseSync {
  const database = new DatabaseSync(start.path, { timeout: 5_000 });
  // Nobody but the owner reads what people wrote; SQLite gives its side files the mode of the file.
  Deno.chmodSync(start.path, 0o600);
  migrate(database, start.path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  // What is deleted is overwritten: a person's words must not outlive their deletion in a free page.
  database.exec("PRAGMA secure_delete = ON");
  database.exec("PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -4000");
  if (start.maxBytes !== null) {
    const pageSize = Number(database.prepare("PRAGMA page_size").get()?.page_size ?? 4096);
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(start.maxBytes / pageSize))}`);
  }
  return database;
}

function serve(database: DatabaseSync): void {
  const prepare = newStatementCache(database);
  const texts = new Map<number, string>();
  let waiting: (readonly WireStatement[])[] = [];

  const applyUnit = (unit: readonly WireStatement[]): readonly (readonly Row[])[] =>
    unit.map(([sqlId, values, returning]) => {
      const statement = prepare(texts.get(sqlId) ?? "");
      if (returning === 1) return statement.all(...values) as Row[]; // rows of our own STRICT tables: text, numbers, null
      statement.run(...values);
      return [];
    });

  // The common case: every unit is good, and the whole group is one transaction.
  const applyTogether = (units: readonly (readonly WireStatement[])[]): UnitOutcome[] => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const outcomes = units.map(applyUnit);
      database.exec("COMMIT");
      return outcomes;
    } catch (thrown) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw thrown;
    }
  };

  // A unit in the group failed: each gets a savepoint, so that it rolls back alone and harms no neighbour.
  const applyApart = (units: readonly (readonly WireStatement[])[]): UnitOutcome[] => {
    try {
      database.exec("BEGIN IMMEDIATE");
      const outcomes = units.map((unit): UnitOutcome => {
        database.exec("SAVEPOINT unit");
        try {
          const rows = applyUnit(unit);
          database.exec("RELEASE unit");
          return rows;
        } catch (thrown) {
          // A full disk ends the whole transaction by itself: then nobody's rows are in.
          if (!database.isTransaction) throw thrown;
          database.exec("ROLLBACK TO unit; RELEASE unit");
          return toErrorRecord(toLedgerError(thrown));
        }
      });
      database.exec("COMMIT");
      return outcomes;
    } catch (thrown) {
      if (database.isTransaction) database.exec("ROLLBACK");
      const error = toErrorRecord(toLedgerError(thrown));
      return units.map(() => error);
    }
  };

  const flush = () => {
    const units = waiting;
    waiting = [];
    let outcomes: UnitOutcome[];
    try {
      outcomes = applyTogether(units);
    } catch {
      // Not swallowed: applied again one by one, where each failure is told to the unit that caused it.
      outcomes = applyApart(units);
    }
    post({ kind: "applied", outcomes });
  };

  const scrub = (): ErrorRecord | null => {
    try {
      // Deleted entries stay in the index until it is merged.
      database.exec("INSERT INTO message_search (message_search) VALUES ('optimize')");
      const { busy } = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() ?? {};
      if (busy === 0) return null;
      const error = new AppError("unavailable", "The ledger's log is being read by a long query. Try again later");
      return toErrorRecord(error);
    } catch (thrown) {
      return toErrorRecord(toLedgerError(thrown));
    }
  };

  self.onmessage = (event: MessageEvent<string>) => {
    const request: WriterRequest = JSON.parse(event.data);
    if (request === "scrub") {
      if (waiting.length > 0) flush();
      return post({ kind: "scrubbed", error: scrub() });
    }
    if (request === "close") {
      // Without this the file would stay open until the worker's memory is reclaimed, and its log unmerged.
      database.close();
      return post({ kind: "closed" });
    }
    for (const [id, sql] of request.define) texts.set(id, sql);
    // setImmediate, not setTimeout(0), which costs 2.5 ms: what arrives until then shares one fsync.
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(...request.units);
  };
}
