import type { Intake } from "../../src/core/intake.ts";
import type { Outbound } from "../../src/core/message.ts";
import type { Plugin } from "../../src/core/plugin.ts";
import type { Receipt } from "../../src/core/message.ts";
import { calls } from "../../src/core/topics.ts";
import { openPluginHost, type PluginHostRoom } from "../../src/plugins/host.ts";
import { type FakeBus, newFakeBus } from "../fixtures/fake_bus.ts";
import { type FakeClock, newFakeClock } from "../fixtures/fake_clock.ts";
import { newRecordedLog, type RecordedLog } from "../fixtures/recorded_log.ts";
import { newRecordedMetrics, type RecordedMetrics } from "../fixtures/recorded_metrics.ts";

/** A plugin host with everything around it in the hands of the test. */
export interface TestHost extends AsyncDisposable {
  readonly host: PluginHostRoom;
  readonly bus: FakeBus;
  readonly clock: FakeClock;
  readonly log: RecordedLog;
  readonly metrics: RecordedMetrics;
  readonly dataDir: string;
  /** Fires when the test takes too long. */
  readonly signal: AbortSignal;
  /** Until the returned function is called, intake is paused. */
  pauseIntake(): () => void;
  send(instance: string, text: string, rest?: Partial<Outbound>): Promise<Receipt>;
  /** Resolves when `instance` has logged `event`. */
  logged(instance: string, event: string): Promise<void>;
}

/** Opens a {@linkcode TestHost}. */
export async function openTestHost(...plugins: readonly Plugin[]): Promise<TestHost> {
  const dataDir = await Deno.makeTempDir({ prefix: "nexo-plugins-" });
  const [bus, clock, log, metrics] = [newFakeBus(), newFakeClock(), newRecordedLog(), newRecordedMetrics()];
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error("The test takes longer than 40 s")), 40_000);
  let gate: PromiseWithResolvers<void> | undefined;
  const intake: Intake = {
    get pausedBy() {
      return gate === undefined ? [] : ["test"];
    },
    open: (signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        (gate?.promise ?? Promise.resolve()).then(resolve);
      }),
  };
  const host = await openPluginHost({ bus, intake, log, metrics, clock, dataDir, plugins }, deadline.signal);
  let sends = 0;
  return {
    host,
    bus,
    clock,
    log,
    metrics,
    dataDir,
    signal: deadline.signal,
    pauseIntake() {
      gate = Promise.withResolvers();
      const { resolve } = gate;
      return () => {
        gate = undefined;
        resolve();
      };
    },
    send: (instance, text, rest) =>
      bus.request(calls.send(plugins[0]?.id ?? "", instance), {
        key: `key-${++sends}`,
        conversation: "7",
        sessionId: "session",
        turnId: "turn",
        inReplyTo: [],
        outcome: "answered",
        text,
        ...rest,
      }, { signal: deadline.signal }),
    async logged(instance, event) {
      await log.nextEntry((entry) => entry.event === event && entry.fields["instance"] === instance, deadline.signal);
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      clearTimeout(timer);
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}
