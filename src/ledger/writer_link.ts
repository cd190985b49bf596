import type { Clock } from "../core/clock.ts";
import { AppError, fromErrorRecord, toAppError } from "../core/error.ts";
import type { Ledger, LedgerStatus, Row, Statement } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { UnitOutcome, WireStatement, WriterReply, WriterRequest, WriterStart } from "./protocol.ts";
import { newClosedError, openWorker } from "./worker_link.ts";

/** What {@linkcode openWriter} needs. */
export interface WriterDeps {
  /** Path of the file; its folder must exist. */
  readonly path: string;
  /** The file may grow to this, bytes. Absent: the disk's size. */
  readonly maxBytes?: number | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The worker that writes the ledger. */
export interface Writer extends AsyncDisposable {
  readonly commit: Ledger["commit"];
  readonly scrub: Ledger["scrub"];
  status(): LedgerStatus;
  /** Takes no more units and waits for those in flight. */
  finish(): Promise<void>;
}

interface PendingUnit {
  readonly statements: readonly Statement[];
  readonly startedMs: number;
  resolve(rows: readonly (readonly Row[])[]): void;
  reject(error: AppError): void;
}

/** How often a ledger that could not write is tried again, milliseconds. */
const probeEveryMs = 1_000;
const probeChars = 65_536;
const probeSql = "INSERT OR REPLACE INTO probe (id, filler) VALUES (1, ?)";

/**
 * Opens the writer, which migrates the file.
 *
 * @throws {AppError} `invalid` for a damaged file, which is kept; `unavailable` where the folder cannot be written.
 */
export async function openWriter({ path, maxBytes, log, metrics, clock }: WriterDeps): Promise<Writer> {
  const worker = openWorker("writer", new URL("./writer.ts", import.meta.url), path);
  let broken: AppError | undefined;
  let status: LedgerStatus = { state: "ok" };
  /** Length of the largest unit that was refused since the ledger last took everything, characters. */
  let refusedChars = 0;
  let closing = false;
  let gone = false;
  let idle: (() => void) | undefined;
  /** Collected in this tick, not yet posted. */
  let collected: PendingUnit[] = [];
  /** Posted, in order, not yet answered. */
  const posted: PendingUnit[] = [];
  let answered = 0;
  /** Posted, in order, not yet answered. */
  const scrubs: PromiseWithResolvers<void>[] = [];
  const sqlIds = new Map<string, number>();
  const stop = new AbortController();

  const fail = (error: AppError) => {
    broken = error;
    status = { state: "failing", reason: error.message, since: new Date(clock.now()).toISOString() };
    for (const unit of [...posted.splice(0).slice(answered), ...collected.splice(0)]) unit.reject(error);
    answered = 0;
    for (const scrub of scrubs.splice(0)) scrub.reject(error);
    idle?.();
  };
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  worker.onerror = (event) => {
    event.preventDefault();
    const error = new AppError(
      "bug",
      `The ledger's writer stopped: ${event.message}. Restart; nothing accepted is lost`,
    );
    log.error("ledger.writer_lost", { error: error.message });
    opened.reject(error);
    closed.resolve();
    fail(error);
  };
  worker.onmessage = (event: MessageEvent<string>) => {
    const reply: WriterReply = JSON.parse(event.data);
    switch (reply.kind) {
      case "opened":
        return opened.resolve();
      case "closed":
        return closed.resolve();
      case "scrubbed": {
        const scrub = scrubs.shift();
        return reply.error === null ? scrub?.resolve() : scrub?.reject(fromErrorRecord(reply.error));
      }
      case "refused":
        return opened.reject(fromErrorRecord(reply.error));
      case "applied":
        for (const outcome of reply.outcomes) settle(outcome);
        posted.splice(0, answered);
        answered = 0;
        if (posted.length === 0 && collected.length === 0) idle?.();
    }
  };

  const settle = (outcome: UnitOutcome) => {
    const unit = posted[answered++];
    if (unit === undefined) return fail(new AppError("bug", "The ledger's writer answered a unit that was not asked"));
    metrics.observe("nexo_ledger_commit_seconds", {}, (clock.monotonic() - unit.startedMs) / 1_000);
    if (!("kind" in outcome)) {
      metrics.count("nexo_ledger_units_total", { result: "ok" });
      return unit.resolve(outcome);
    }
    const error = fromErrorRecord(outcome);
    metrics.count("nexo_ledger_units_total", { result: error.kind });
    if (error.kind === "unavailable") noteRefusal(unit, error);
    unit.reject(error);
  };

  const noteRefusal = (unit: PendingUnit, error: AppError) => {
    if (unit.statements[0]?.sql === probeSql) return;
    refusedChars = Math.max(refusedChars, JSON.stringify(unit.statements).length);
    if (status.state !== "ok") return;
    const state = error.reason === "disk_full" ? "full" : "failing";
    const bound = maxBytes === undefined ? "" : `. It may grow to ${maxBytes} bytes (limits.max_ledger_bytes)`;
    status = { state, reason: `${error.message}${bound}`, since: new Date(clock.now()).toISOString() };
    log.error("ledger.refuses", { error: status.reason });
    probeUntilWritable();
  };

  const commit = (statements: readonly Statement[]): Promise<readonly (readonly Row[])[]> => {
    if (broken !== undefined) return Promise.reject(broken);
    if (closing) return Promise.reject(newClosedError());
    const { promise, resolve, reject } = Promise.withResolvers<readonly (readonly Row[])[]>();
    if (collected.length === 0) queueMicrotask(post);
    collected.push({ statements, startedMs: clock.monotonic(), resolve, reject });
    return promise;
  };

  const post = () => {
    const units = collected;
    collected = [];
    if (units.length === 0) return;
    const define: [number, string][] = [];
    const toWire = (statement: Statement): WireStatement => {
      let id = sqlIds.get(statement.sql);
      if (id === undefined) {
        id = sqlIds.size;
        sqlIds.set(statement.sql, id);
        define.push([id, statement.sql]);
      }
      return [id, statement.values, statement.returning === true ? 1 : 0];
    };
    const wire = units.map((unit) => unit.statements.map(toWire));
    posted.push(...units);
    worker.postMessage(JSON.stringify({ define, units: wire } satisfies WriterRequest));
  };

  // Writing more than was refused and taking it away again is the only honest way to ask whether there is space.
  const probeUntilWritable = async () => {
    while (status.state !== "ok" && !stop.signal.aborted) {
      try {
        await clock.wait(probeEveryMs, stop.signal);
        await commit([{ sql: probeSql, values: ["x".repeat(probeChars + 2 * refusedChars)] }]);
        await commit([{ sql: "DELETE FROM probe", values: [] }]);
        refusedChars = 0;
        status = { state: "ok" };
        log.info("ledger.recovered");
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.kind !== "unavailable") return log.debug("ledger.probe_ended", { error: error.message });
      }
    }
  };

  const start: WriterStart = { path, maxBytes: maxBytes ?? null };
  worker.postMessage(JSON.stringify(start));
  try {
    await opened.promise;
  } catch (thrown) {
    worker.terminate();
    throw thrown;
  }
  return {
    commit,
    scrub() {
      if (broken !== undefined) return Promise.reject(broken);
      if (closing) return Promise.reject(newClosedError());
      post();
      const scrub = Promise.withResolvers<void>();
      scrubs.push(scrub);
      worker.postMessage(JSON.stringify("scrub" satisfies WriterRequest));
      return scrub.promise;
    },
    status: () => status,
    async finish() {
      closing = true;
      stop.abort(new AppError("cancelled", "The ledger is closing"));
      if (posted.length > answered || collected.length > 0) await new Promise<void>((resolve) => idle = resolve);
    },
    async [Symbol.asyncDispose]() {
      if (gone) return;
      gone = true;
      if (broken === undefined) {
        worker.postMessage(JSON.stringify("close" satisfies WriterRequest));
        await closed.promise;
      }
      worker.terminate();
    },
  };
}
