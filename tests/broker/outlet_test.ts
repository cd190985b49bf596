import assert from "node:assert/strict";
import type { Session } from "../../src/broker/link.ts";
import { openOutlet } from "../../src/broker/outlet.ts";
import { AppError } from "../../src/core/error.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { spillEvent } from "../../src/ledger/spill.ts";
import { newLive } from "../../src/lib/live.ts";
import { newFakeClock } from "../fixtures/fake_clock.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";
import { newRecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics } from "../fixtures/recorded_metrics.ts";

const subject = "agent.route.bob";
const firstPage = 256;
const full = new AppError("unavailable", "the disk is full", { reason: "disk_full" });

Deno.test("a disk that fills while a backlog goes out is logged, and ends nothing", async () => {
  await using folder = await openTempDir();
  const deps = { log: newRecordedLog(), metrics: newRecordedMetrics(), clock: newFakeClock() };
  await using real = await openLedger({ path: `${folder.path}/ledger.db`, ...deps });
  await real.commit(
    Array.from(
      { length: firstPage + 1 },
      (_, index) => spillEvent({ subject, eventId: `e${index}`, text: "{}", copy: false }, 0),
    ),
  );
  const refused = Promise.withResolvers<void>();
  const ledger: Ledger = {
    ...real,
    commit() {
      refused.resolve();
      return Promise.reject(full);
    },
  };
  const server = newServer();
  const stray: unknown[] = [];
  const onStray = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    stray.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", onStray);
  try {
    const up = { state: "up", since: "", session: server.session } as const;
    await using _outlet = openOutlet({
      link: { state: newLive(up) },
      ledger,
      prefix: "",
      limits: { max_spill_rows: 100_000, max_spill_bytes: 100_000_000 },
      onPosted: () => {},
      ...deps,
    });
    await server.askedLast;
    await refused.promise;
    await new Promise((resolve) => setTimeout(resolve));
    assert.deepEqual(stray, []);
    server.answerLast();
    await deps.log.nextEntry(({ event }) => event === "nats.drain_failed", AbortSignal.timeout(10_000));
  } finally {
    globalThis.removeEventListener("unhandledrejection", onStray);
  }
});

/** A server that takes the first page at once, and the event behind it when it is told to. */
function newServer() {
  let asked = 0;
  const last = Promise.withResolvers<void>();
  const askedLast = Promise.withResolvers<void>();
  const asker = {
    async ask() {
      if (++asked > firstPage) {
        askedLast.resolve();
        await last.promise;
      }
      return { json: () => ({ duplicate: false }) };
    },
  };
  // As much of a session as an outlet without JetStream uses.
  const session = {
    connection: { info: { max_payload: 1_000_000 } },
    jetStream: undefined,
    asker,
    signal: new AbortController().signal,
  } as unknown as Session;
  return { session, askedLast: askedLast.promise, answerLast: () => last.resolve() };
}
