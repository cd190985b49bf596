import { type KV, type KvEntry, Kvm } from "@nats-io/kv";
import { z } from "zod";
import type { NatsConfig } from "../config/broker.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { type Live, newLive } from "../lib/live.ts";
import type { Link, Session } from "./link.ts";
import { toStreamName } from "./nats.ts";

const holderSchema = z.object({
  /** Stands for a data folder: a process that comes back on it takes its leases again at once. */
  ownerId: z.string(),
  bootId: z.string(),
  pid: z.number(),
  host: z.string(),
  /** ISO 8601 UTC. */
  renewedAt: z.string(),
});
/** Who holds a lease. */
export type Holder = z.output<typeof holderSchema>;

/** What a data folder remembers of leases, for starts without NATS. */
export const leaseMemorySchema = z.object({
  ownerId: z.string(),
  /** What others held when it was last known. */
  foreign: z.record(z.string(), holderSchema),
});
/** What a data folder remembers of leases. */
export type LeaseMemory = z.output<typeof leaseMemorySchema>;

/**
 * Who runs what, among the processes of one NATS: each key has one owner. A lease never runs out, as the ledger of a
 * dead owner holds messages that nobody else can answer: only its owner gives it back.
 */
export interface Leases extends AsyncDisposable {
  /** The wanted keys that this process owns. While NATS is away: all but those that others were seen to hold. */
  readonly held: Live<ReadonlySet<string>>;
  /** The wanted keys that others own. */
  readonly foreign: Live<ReadonlyMap<string, Holder>>;
  /** Resolves when it is decided for the first time who owns what, or that NATS cannot be asked. */
  readonly decided: Promise<void>;
  /** Every key that anybody owns, as far as is known. */
  owned(): readonly string[];
}

/** What {@linkcode openLeases} needs. */
export interface LeasesDeps {
  readonly link: Pick<Link, "state">;
  readonly config: NatsConfig;
  /** Keys that this process would run: `plugin.telegram.sales`, `agent.ana`. */
  readonly wanted: Live<readonly string[]>;
  readonly bootId: string;
  readonly host: string;
  readonly memory: LeaseMemory;
  /** Keeps what is to be remembered. */
  remember(memory: LeaseMemory): Promise<void>;
  /** Whether nothing of a key is left to do here, so that another process may own it. */
  mayGiveBack(key: string): boolean;
  readonly log: Log;
  readonly clock: Clock;
}

const renewEveryMs = 15_000;

/** Opens the leases. Disposing gives back what may be given back. */
export function openLeases(deps: LeasesDeps): Leases {
  const { link, config, wanted, bootId, host, memory, log, clock } = deps;
  const closing = new AbortController();
  /** Every lease that there is, as far as is known. */
  const known = new Map<string, { readonly holder: Holder; readonly revision: number }>(
    Object.entries(memory.foreign).map(([key, holder]) => [key, { holder, revision: 0 }]),
  );
  const isForeign = (key: string): boolean => (known.get(key)?.holder.ownerId ?? memory.ownerId) !== memory.ownerId;
  const decided = Promise.withResolvers<void>();
  const held = newLive<ReadonlySet<string>>(new Set(wanted.current.filter((key) => !isForeign(key))));
  const foreign = newLive<ReadonlyMap<string, Holder>>(new Map());
  let bucket: KV | undefined;

  const newHolder = (): Holder => ({
    ownerId: memory.ownerId,
    bootId,
    pid: Deno.pid,
    host,
    renewedAt: new Date(clock.now()).toISOString(),
  });

  /** Says anew who owns what. */
  const settle = async (): Promise<void> => {
    const mine = wanted.current.filter((key) =>
      bucket === undefined ? !isForeign(key) : known.get(key)?.holder.ownerId === memory.ownerId
    );
    const others = new Map(
      wanted.current.flatMap((key) => {
        const holder = known.get(key)?.holder;
        return holder === undefined || holder.ownerId === memory.ownerId ? [] : [[key, holder] as const];
      }),
    );
    const changed = toText(mine) !== toText(held.current) || toText(others.keys()) !== toText(foreign.current.keys());
    if (!changed) return;
    for (const [key, holder] of others) {
      if (!foreign.current.has(key)) log.warn("lease.held_by_other", { key, host: holder.host, pid: holder.pid });
    }
    for (const key of mine) if (foreign.current.has(key)) log.info("lease.taken", { key });
    foreign.set(others);
    held.set(new Set(mine));
    await deps.remember({ ownerId: memory.ownerId, foreign: Object.fromEntries(others) });
  };

  /** Takes a key that nobody holds, or that this data folder holds already. */
  const acquire = async (store: KV, key: string): Promise<void> => {
    const entry = known.get(key);
    const holder = newHolder();
    try {
      const text = JSON.stringify(holder);
      const revision = entry === undefined
        ? await store.create(key, text)
        : await store.update(key, text, entry.revision);
      known.set(key, { holder, revision });
    } catch (thrown) {
      // Somebody was quicker; the watch tells who.
      log.debug("lease.not_taken", { key, error: toAppError(thrown).message });
      const now = await store.get(key);
      if (now !== null) note(now);
    }
  };

  const acquireAll = async (store: KV): Promise<void> => {
    await Promise.all(wanted.current.filter((key) => !isForeign(key)).map((key) => acquire(store, key)));
  };

  const note = (entry: KvEntry): void => {
    const key = entry.key;
    const holder = entry.operation === "PUT" ? holderSchema.safeParse(parseJson(entry.string())) : undefined;
    if (holder?.success === true) known.set(key, { holder: holder.data, revision: entry.revision });
    else known.delete(key);
  };

  const stay = async (session: Session): Promise<void> => {
    const { jetStream } = session;
    if (jetStream === undefined) {
      bucket = undefined;
      known.clear();
      await settle();
      return;
    }
    const signal = AbortSignal.any([session.signal, closing.signal]);
    const store = await new Kvm(jetStream.client).create(`${toStreamName(config)}_leases`, {
      history: 1,
      replicas: config.replicas,
    });
    known.clear();
    for (const key of wanted.current) {
      const entry = await store.get(key);
      if (entry !== null) note(entry);
    }
    bucket = store;
    await acquireAll(store);
    await settle();
    decided.resolve();
    const watch = await store.watch();
    const stop = () => watch.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const renewing = renew(store, signal);
    for await (const entry of watch) {
      if (entry.revision < (known.get(entry.key)?.revision ?? 0)) continue;
      note(entry);
      if (!known.has(entry.key) && wanted.current.includes(entry.key) && !signal.aborted) {
        await acquire(store, entry.key);
      }
      await settle();
    }
    await renewing;
  };

  const renew = async (store: KV, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await clock.wait(renewEveryMs, signal).catch(() => {/* aborted, see the loop */});
      if (!signal.aborted) await acquireAll(store);
    }
  };

  const follow = async (): Promise<void> => {
    const look = async () => {
      const { current } = link.state;
      if (current.state === "down") {
        bucket = undefined;
        if (current.reason !== "Connecting") decided.resolve();
        return;
      }
      try {
        await stay(current.session);
      } catch (thrown) {
        if (!closing.signal.aborted) log.warn("lease.failed", { error: toAppError(thrown).message });
      }
      decided.resolve();
    };
    await look();
    for await (const _ of link.state.changes(closing.signal)) await look();
  };

  const followWanted = async (): Promise<void> => {
    for await (const _ of wanted.changes(closing.signal)) {
      if (bucket !== undefined) await acquireAll(bucket);
      await settle();
    }
  };

  const giveBack = async (store: KV): Promise<void> => {
    await Promise.all([...held.current].map(async (key) => {
      const entry = known.get(key);
      if (entry === undefined) return;
      if (!deps.mayGiveBack(key)) return log.info("lease.kept", { key });
      try {
        await store.delete(key, { previousSeq: entry.revision });
        log.info("lease.given_back", { key });
      } catch (thrown) {
        log.warn("lease.not_given_back", { key, error: toAppError(thrown).message });
      }
    }));
  };

  const background = Promise.all([follow(), followWanted()]);
  return {
    held,
    foreign,
    decided: decided.promise,
    owned: () => [...known.keys()],
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      const store = bucket;
      closing.abort(new AppError("cancelled", "The leases are closing"));
      decided.resolve();
      await background;
      if (store !== undefined && link.state.current.state === "up") await giveBack(store);
    },
  };
}

function toText(keys: Iterable<string>): string {
  return [...keys].sort().join(" ");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what cannot be read holds nothing
  }
}
