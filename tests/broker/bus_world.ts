import { type LocalBus, openLocalBus } from "../../src/broker/local.ts";
import { type NatsBus, openNatsBus } from "../../src/broker/nats.ts";
import { brokerFileSchema, type NatsConfig } from "../../src/config/broker.ts";
import type { Bus, Delivery } from "../../src/core/bus.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { newLive } from "../../src/lib/live.ts";
import { replayDeadLetter, writeDeadLetter } from "../../src/ledger/dead.ts";
import { buryEvent, finishEvent } from "../../src/ledger/inbox.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";
import { type BusWorld, contractConsumers, contractSubjects } from "./bus_contract.ts";

/** What a bus of a world is opened with. */
export interface BusWorldDeps {
  readonly ledger: Ledger;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly clock: Clock;
}

/** A world with its ledger and what its bus logged and counted. */
export interface OpenBusWorld<B extends Bus> extends BusWorld, BusWorldDeps {
  readonly bus: B;
}

/** Opens a bus on a ledger of its own. */
export async function openBusWorld<B extends LocalBus | NatsBus>(
  clock: Clock,
  open: (deps: BusWorldDeps) => B,
): Promise<OpenBusWorld<B>> {
  const folder = await Deno.makeTempDir({ prefix: "bus-test-" });
  const deps = { log: newRecordedLog(), metrics: newRecordedMetrics(), clock };
  const openBoth = async () => {
    const ledger = await openLedger({ path: `${folder}/ledger.db`, ...deps });
    return { ledger, bus: open({ ledger, ...deps }) };
  };
  let { ledger, bus } = await openBoth();
  const close = async () => {
    await bus[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  };
  return {
    ...deps,
    get bus() {
      return bus;
    },
    get ledger() {
      return ledger;
    },
    async finish(delivery) {
      await ledger.commit([finishEvent(delivery.rowId, "answered", 0)]);
    },
    async reopen() {
      await close();
      ({ ledger, bus } = await openBoth());
    },
    async replay(delivery) {
      await ledger.commit([
        // Made ready and dead again, as only a row that died can be replayed.
        { sql: "UPDATE inbox SET state = 'ready' WHERE id = ?", values: [delivery.rowId] },
        buryEvent(delivery.rowId, 0),
        toLetter(delivery),
      ]);
      const letter = Number(ledger.read.get("SELECT max(id) AS id FROM dead")?.id);
      await ledger.commit(replayDeadLetter(ledger.read, letter, 0, 0));
      bus.rescan();
    },
    async [Symbol.asyncDispose]() {
      await close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Opens the bus inside the process. */
export function newLocalBus(deps: BusWorldDeps): LocalBus {
  return openLocalBus({ consumers: contractConsumers, ...deps });
}

/** What a test's NATS bus is opened with. */
export interface NatsWorldOptions {
  readonly owned?: readonly string[];
  readonly inner?: readonly string[];
  readonly broker: Readonly<Record<string, unknown>>;
}

/** Opens a bus on NATS. */
export function newNatsBus(deps: BusWorldDeps, options: NatsWorldOptions): NatsBus {
  return openNatsBus({
    consumers: contractConsumers,
    subjects: contractSubjects,
    owned: newLive(options.owned ?? contractSubjects.map(({ topic }) => topic.subject)),
    inner: options.inner ?? [],
    intake: { open: () => Promise.resolve() },
    config: newNatsConfig(options.broker),
    ...deps,
  });
}

/** A broker config with the defaults of its schema. */
export function newNatsConfig(broker: Readonly<Record<string, unknown>>): NatsConfig {
  const parsed = brokerFileSchema.parse({ broker: { type: "nats", ...broker } }).broker;
  if (parsed.type !== "nats") throw new Error("it is no NATS config");
  return parsed;
}

/** Dead letter of a delivery. */
export function toLetter({ event, rowId }: Delivery) {
  return writeDeadLetter({
    hop: "turn",
    subject: event.subject,
    eventId: event.id,
    cause: { kind: "bug", message: "broken" },
    attempts: 1,
    body: JSON.stringify(event),
    firstAt: event.at,
    rowId,
  }, 0);
}
