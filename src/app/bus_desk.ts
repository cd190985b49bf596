import type { SubjectTraffic } from "../broker/traffic.ts";
import type { BusStatus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import type { Ledger } from "../core/ledger.ts";
import type { BusView } from "../http/bus_api.ts";
import type { BusDesk } from "../http/bus_routes.ts";
import { readWaiting, type WaitingRows } from "../ledger/waiting.ts";
import type { Live } from "../lib/live.ts";
import { consumers } from "./bus_room.ts";

/** What a {@linkcode newBusDesk} looks at. */
export interface BusDeskDeps {
  readonly bus: { readonly status: Live<BusStatus>; readonly traffic: { read(): readonly SubjectTraffic[] } };
  readonly ledger: Pick<Ledger, "query">;
  readonly clock: Clock;
}

/** How the bus stands, what goes over it and who is behind. */
export function newBusDesk({ bus, ledger, clock }: BusDeskDeps): BusDesk {
  const toAge = ({ rows, oldestAtMs }: WaitingRows) => ({
    waiting: rows,
    oldestSeconds: Math.round(Math.max(0, clock.now() - oldestAtMs) / 1_000),
  });
  return {
    async view(signal) {
      const { inbox, outbox, spill } = await readWaiting(ledger, signal);
      return {
        ...toNats(bus.status.current),
        subjects: bus.traffic.read().map(({ lastAtMs, ...counts }) => ({
          ...counts,
          lastAt: new Date(lastAtMs).toISOString(),
        })),
        consumers: consumers.map(({ name, pattern }) => {
          const subjects = inbox.filter(({ consumer }) => consumer === name)
            .map((rows) => ({ subject: rows.subject, ...toAge(rows) }));
          return {
            name,
            pattern,
            waiting: subjects.reduce((sum, one) => sum + one.waiting, 0),
            oldestSeconds: Math.max(0, ...subjects.map(({ oldestSeconds }) => oldestSeconds)),
            subjects,
          };
        }),
        outbox: outbox.map((rows) => ({ channel: rows.channel, ...toAge(rows) })),
        spill: spill.map((rows) => ({ subject: rows.subject, ...toAge(rows) })),
      };
    },
  };
}

function toNats(status: BusStatus): Pick<BusView, "nats"> {
  if (status.mode === "local") return {};
  const { mode: _, jetStream, ...nats } = status;
  return { nats: { ...nats, ...(jetStream === undefined ? {} : { jetStream }) } };
}
