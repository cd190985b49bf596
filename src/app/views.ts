import type { Config } from "../config/config.ts";
import type { Agents } from "../agent/open.ts";
import type { Unit } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { AgentView } from "../http/agents_api.ts";
import type { ChannelView } from "../http/channels_api.ts";
import type { Queues } from "../http/status_api.ts";
import type { DeadLetters } from "../http/views.ts";
import { writeAudit } from "../ledger/audit.ts";
import {
  type DeadLetterSelection,
  listDeadLetters,
  purgeDeadLetters,
  readDeadLetter,
  replayDeadLetter,
  replayEdited,
  restoreDeadLetters,
  selectDeadLetters,
} from "../ledger/dead.ts";
import { readQueueDepths } from "../ledger/queues.ts";
import type { PluginHostRoom } from "../plugins/host.ts";

/** How each queue of the ledger stands. */
export function toQueues(ledger: Ledger, clock: Clock): Queues {
  const empty = { depth: 0, oldestSeconds: 0 };
  const queues = { inbox: empty, outbox: empty, spill: empty, dead: empty };
  for (const { queue, depth, oldestAtMs } of readQueueDepths(ledger.read)) {
    const oldestSeconds = oldestAtMs === undefined ? 0 : Math.max(0, (clock.now() - oldestAtMs) / 1_000);
    queues[queue] = { depth, oldestSeconds };
  }
  return queues;
}

/** The channel instances with the agents that hear them. */
export function toChannels(host: PluginHostRoom, config: Config): readonly ChannelView[] {
  return host.instances().map(({ permissions: _, restarts: __, ...view }) => ({
    ...view,
    agents: config.agents
      .filter((agent) =>
        agent.inbound_bindings.some((one) => one.plugin === view.plugin && one.instance === view.instance)
      )
      .map((agent) => agent.id),
  }));
}

/** The agents of a config as lists show them. An agent whose model cannot be used says so instead of its model. */
export async function toAgents(agents: Agents, config: Config, log: Log): Promise<readonly AgentView[]> {
  return await Promise.all(config.agents.map(async ({ id, description, inbound_bindings }): Promise<AgentView> => {
    const hears = inbound_bindings.map(({ plugin, instance }) => `${plugin}.${instance}`);
    try {
      const { model, tools } = await agents.describe(id);
      return { id, description, hears, model, tools: tools.length };
    } catch (thrown) {
      const { message } = toAppError(thrown);
      log.warn("agent.model_unusable", { agent: id, error: message });
      return { id, description, hears, model: "none", tools: 0, trouble: message };
    }
  }));
}

/** Letters that are replayed all or none. */
const replayUnit = 500;

/** What an operator can do with dead letters while the process runs. */
export function newDeadLetters(
  { ledger, bus, rescanOutbox, clock, maxAgeMs }: {
    readonly ledger: Ledger;
    readonly bus: { rescan(): void };
    readonly rescanOutbox: () => void;
    readonly clock: Clock;
    maxAgeMs(): number;
  },
): DeadLetters {
  /** Whoever names letters by what they are wants those that can be had; by id, all of them. */
  const toReplay = (id: number, selection: DeadLetterSelection): Unit | undefined => {
    try {
      return replayDeadLetter(ledger.read, id, clock.now(), clock.now() + maxAgeMs());
    } catch (thrown) {
      if ("filter" in selection && toAppError(thrown).kind === "conflict") return undefined;
      throw thrown;
    }
  };

  let lastPurge = 0;
  return {
    list: (filter, signal) => listDeadLetters(ledger, filter, clock.now(), signal),
    show: (id) => Promise.resolve(readDeadLetter(ledger.read, id)),
    async replay(selection, { dryRun, actor }, signal) {
      const ids = await selectDeadLetters(ledger, selection, clock.now(), signal);
      requireAll(ledger, selection, ids);
      let count = 0;
      for (let at = 0; at < ids.length; at += replayUnit) {
        const units = ids.slice(at, at + replayUnit).flatMap((id) => {
          const unit = toReplay(id, selection);
          const audit = writeAudit({ actor, action: "dead_letter.replayed", target: String(id) }, clock.now());
          return unit === undefined ? [] : [[...unit, audit]];
        });
        if (!dryRun && units.length > 0) await ledger.commit(units.flat());
        count += units.length;
      }
      if (dryRun) return count;
      bus.rescan();
      rescanOutbox();
      return count;
    },
    async replayEdited(id, text, actor) {
      const units = replayEdited(ledger.read, id, text, clock.now(), clock.now() + maxAgeMs());
      const audit = writeAudit({ actor, action: "dead_letter.edited", target: String(id) }, clock.now());
      await ledger.commit([...units, audit]);
      rescanOutbox();
    },
    async purge(selection, { dryRun, actor }, signal) {
      const ids = await selectDeadLetters(ledger, selection, clock.now(), signal);
      requireAll(ledger, selection, ids);
      const count = ids.length;
      if (dryRun || count === 0) return { count };
      // What brings them back: no two purges may share it.
      lastPurge = Math.max(clock.now(), lastPurge + 1);
      const audit = { actor, action: "dead_letter.purged", target: `${count}: ${ids.join(", ")}` };
      const purge = lastPurge;
      await ledger.commit([purgeDeadLetters(ids, purge), writeAudit(audit, clock.now())]);
      return { count, purge };
    },
    async restore(purge, actor) {
      const [restored = []] = await ledger.commit([restoreDeadLetters(purge)]);
      const count = restored.length;
      if (count === 0) {
        throw new AppError("missing", "Nothing can be brought back: what this purge took away is gone for good", {
          reason: "nothing_to_restore",
        });
      }
      const target = `${count}: ${restored.map(({ id }) => id).join(", ")}`;
      await ledger.commit([writeAudit({ actor, action: "dead_letter.restored", target }, clock.now())]);
      return count;
    },
  };
}

/** Whoever names letters by id wants to hear of those that cannot be had. */
function requireAll(ledger: Ledger, selection: DeadLetterSelection, found: readonly number[]): void {
  const absent = "ids" in selection ? selection.ids.find((id) => !found.includes(id)) : undefined;
  if (absent === undefined) return;
  throw readDeadLetter(ledger.read, absent) === undefined
    ? new AppError("missing", `There is no dead letter ${absent}. See: agent dlq list`)
    : new AppError("conflict", `Dead letter ${absent} was replayed before`);
}
