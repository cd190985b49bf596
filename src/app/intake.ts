import { toAppError } from "../core/error.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import type { Intake } from "../core/intake.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { countWaiting } from "../ledger/queues.ts";
import { orAborted } from "../resilience/abort.ts";

/** An {@linkcode Intake} with the handle that pauses it. */
export interface IntakeGate extends Intake {
  /** Pauses or resumes intake for one reason. It is open while no reason holds. */
  set(reason: IntakeReason, paused: boolean): void;
}

/** Why intake may be paused. */
export type IntakeReason =
  | "waiting_messages"
  | "ledger_full"
  | "ledger_failing"
  | "spill_full"
  | "operator"
  | "stopping";

/** What somebody wants; every other reason wants a look. */
const wanted: readonly IntakeReason[] = ["operator", "stopping"];

/** Makes an open {@linkcode IntakeGate}. */
export function newIntakeGate({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }): IntakeGate {
  const reasons = new Set<IntakeReason>();
  let opened = Promise.withResolvers<void>();
  return {
    get pausedBy() {
      return [...reasons];
    },
    async open(signal) {
      while (reasons.size > 0) {
        await orAborted(opened.promise, signal);
      }
    },
    set(reason, paused) {
      if (reasons.has(reason) === paused) return;
      metrics.gauge("nexo_intake_paused", { reason }, paused ? 1 : 0);
      if (paused) reasons.add(reason);
      else reasons.delete(reason);
      log[paused && !wanted.includes(reason) ? "warn" : "info"](paused ? "intake.paused" : "intake.resumed", {
        reason,
      });
      if (reasons.size > 0) return;
      opened.resolve();
      opened = Promise.withResolvers<void>();
    },
  };
}

const lookEveryMs = 250;
/** While too much waits: whoever is held back shall not be so for longer than needed. */
const lookAgainMs = 25;
/** Intake opens again when this part of the bound is left, so that it does not flutter. */
const resumeAt = 0.8;
/** What has begun when intake pauses must still find room. */
const pauseSpillAt = 0.95;

/** Pauses intake while too much waits or nothing can be stored. */
export interface LoadWatch {
  /** Counts every message that is handed to `bus`, so that a crowd cannot pass the bound between two looks. */
  withArrivals(bus: Bus): Bus;
  /** Looks at the ledger until `signal` fires. */
  run(signal: AbortSignal): Promise<void>;
}

/** Makes a {@linkcode LoadWatch} that knows of nothing that waits. */
export function newLoadWatch(
  { gate, ledger, clock, log, maxWaiting, spillFill }: {
    readonly gate: IntakeGate;
    readonly ledger: Ledger;
    readonly clock: Clock;
    readonly log: Log;
    maxWaiting(): number;
    /** Part of the room for events that wait for NATS that is used. */
    spillFill(): number;
  },
): LoadWatch {
  /** Messages that wait: counted at the last look, and handed in since. */
  let waiting = 0;

  function look(): void {
    const { state } = ledger.status();
    gate.set("ledger_full", state === "full");
    gate.set("ledger_failing", state === "failing");
    const fill = spillFill();
    if (fill >= pauseSpillAt) gate.set("spill_full", true);
    else if (fill < pauseSpillAt * resumeAt) gate.set("spill_full", false);
    const bound = maxWaiting();
    waiting = countWaiting(ledger.read, bound);
    if (waiting >= bound) gate.set("waiting_messages", true);
    else if (waiting < bound * resumeAt) gate.set("waiting_messages", false);
  }

  return {
    withArrivals: (bus) => ({
      ...bus,
      publish(topic, payload, meta) {
        if (++waiting >= maxWaiting()) gate.set("waiting_messages", true);
        return bus.publish(topic, payload, meta);
      },
    }),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await clock.wait(gate.pausedBy.includes("waiting_messages") ? lookAgainMs : lookEveryMs, signal);
          look();
        } catch (thrown) {
          if (!signal.aborted) log.error("intake.watch_failed", { error: toAppError(thrown).message });
        }
      }
    },
  };
}
