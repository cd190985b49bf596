import type { Bus, Delivery } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError, toErrorRecord } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { type ResumeEvent, topics } from "../core/topics.ts";
import { writeDeadLetter } from "../ledger/dead.ts";
import { buryEvent } from "../ledger/inbox.ts";

/** Who takes what wakes flows. */
export const flowConsumer = { name: "flows.resume", pattern: topics.resume().subject } as const;

/** What {@linkcode openFlows} needs. */
export interface FlowsDeps {
  readonly bus: Bus;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/**
 * Answers for every durable event that wakes a flow. No flow is known to this release, so each becomes a dead letter
 * that says so: whoever sent it learns that nothing came of it, and it can be replayed once the flow exists.
 */
export function openFlows({ bus, ledger, log, metrics, clock }: FlowsDeps): AsyncDisposable {
  const closing = new AbortController();

  const bury = async ({ event, rowId, attempts, receivedAtMs }: Delivery<ResumeEvent>): Promise<void> => {
    const error = new AppError("missing", `There is no flow ${event.payload.flowId} to wake`, {
      reason: "unknown_flow",
    });
    await ledger.commit([
      buryEvent(rowId, clock.now()),
      writeDeadLetter({
        hop: "flow",
        subject: event.subject,
        eventId: event.id,
        cause: toErrorRecord(error),
        attempts: attempts + 1,
        body: JSON.stringify(event),
        firstAt: new Date(receivedAtMs).toISOString(),
        rowId,
      }, clock.now()),
    ]);
    metrics.count("nexo_dead_letters_total", { hop: "flow", kind: error.kind });
    log.warn("flow.unknown", { eventId: event.id });
  };

  const run = async (): Promise<void> => {
    const options = { name: flowConsumer.name, signal: closing.signal };
    for await (const delivery of bus.consume(topics.resume(), options)) {
      try {
        await bury(delivery);
      } catch (thrown) {
        // The row stays accepted; the next start sees it again.
        log.error("flow.not_taken", { error: toAppError(thrown).message });
      }
    }
  };

  const running = run();
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new AppError("cancelled", "The flows are closing"));
      await running;
    },
  };
}
