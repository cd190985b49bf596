import type { Elsewhere } from "../agent/delegate.ts";
import { agentConsumers } from "../agent/inbox.ts";
import { type LocalBus, openLocalBus } from "../broker/local.ts";
import type { NatsBus } from "../broker/nats.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Intake } from "../core/intake.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { NatsWire } from "../core/nats_wire.ts";
import type { SubsystemStatus } from "../core/status.ts";
import type { Live } from "../lib/live.ts";
import { flowConsumer } from "./flows.ts";

/** Everybody who takes durable events. */
export const consumers = [...agentConsumers, flowConsumer];

/** The bus that the config asks for, and which part of the config this process runs. */
export interface BusRoom extends AsyncDisposable {
  readonly bus: LocalBus | NatsBus;
  /** Bare text over NATS; absent where the bus is inside the process. */
  readonly wire: NatsWire | undefined;
  /** The config without what other processes own. */
  readonly config: Live<Config>;
  /** Part of the room for events that wait for NATS that is used; 0 without NATS. */
  fill(): number;
  readonly elsewhere: Elsewhere;
  status(): readonly SubsystemStatus[];
  /** First half of a shutdown: nothing more is taken from other processes. */
  stopReceiving(): Promise<void>;
}

/** What {@linkcode openBusRoom} needs. */
export interface BusRoomDeps {
  readonly config: Live<Config>;
  readonly ledger: Ledger;
  readonly intake: Pick<Intake, "open">;
  readonly dataDir: string;
  readonly bootId: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The bus inside the process, which owns all that it is configured with. */
export function openLocalRoom(deps: BusRoomDeps): BusRoom {
  const bus = openLocalBus({ ...deps, consumers });
  return {
    bus,
    wire: undefined,
    config: deps.config,
    fill: () => 0,
    elsewhere: { runs: () => Promise.resolve(false), agents: () => [] },
    status: () => [{ name: "bus", state: "ok", critical: true }],
    stopReceiving: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}
