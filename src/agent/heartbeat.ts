import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { topics } from "../core/topics.ts";
import type { Live } from "../lib/live.ts";

/**
 * Wakes each agent that wants it, at its own interval, until `signal` fires. A tick is an event like any other: durable,
 * answered once, and dropped as expired when the next one is due before anybody took it.
 */
export async function runHeartbeats(
  { config, bus, clock, log }: {
    readonly config: Live<Config>;
    readonly bus: Bus;
    readonly clock: Clock;
    readonly log: Log;
  },
  signal: AbortSignal,
): Promise<void> {
  let timers = new Map<string, { readonly intervalMs: number; readonly stop: AbortController }>();

  const beat = async (agent: string, intervalMs: number, stop: AbortSignal): Promise<void> => {
    while (true) {
      await clock.wait(intervalMs, stop);
      const dueMs = clock.now();
      const dueAt = new Date(dueMs).toISOString();
      try {
        await bus.publish(topics.heartbeat(agent), { agent, dueAt }, {
          id: `heartbeat:${agent}:${dueAt}`,
          source: "clock",
          expiresAt: new Date(dueMs + intervalMs).toISOString(),
        });
      } catch (thrown) {
        // A tick that cannot be stored is not worth a retry: the next one comes.
        log.warn("heartbeat.skipped", { agent, error: toAppError(thrown).message });
      }
    }
  };

  const arrange = (current: Config) => {
    const next: typeof timers = new Map();
    for (const { id, heartbeat } of current.agents) {
      if (!heartbeat.enabled) continue;
      const known = timers.get(id);
      if (known?.intervalMs === heartbeat.interval) {
        next.set(id, known);
        continue;
      }
      known?.stop.abort();
      const stop = new AbortController();
      next.set(id, { intervalMs: heartbeat.interval, stop });
      beat(id, heartbeat.interval, AbortSignal.any([signal, stop.signal])).catch((thrown) => {
        if (!signal.aborted && !stop.signal.aborted) {
          log.error("heartbeat.failed", { agent: id, error: toAppError(thrown).message });
        }
      });
    }
    for (const [id, { stop }] of timers) if (!next.has(id)) stop.abort();
    timers = next;
  };

  arrange(config.current);
  for await (const changed of config.changes(signal)) arrange(changed);
}
