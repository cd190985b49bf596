import { setImmediate } from "node:timers";
import type { Published } from "../core/bus.ts";
import { toAppError } from "../core/error.ts";
import type { LocalBus, ReceivedEvent } from "./local.ts";

/** Brings events into the inbox, those that come together in one unit. */
export interface Arrivals {
  /** @throws {AppError} as {@linkcode LocalBus.accept} does. */
  accept(arrival: ReceivedEvent): Promise<Published>;
}

interface Waiting {
  readonly arrival: ReceivedEvent;
  resolve(published: Published): void;
  reject(reason: unknown): void;
}

/** Makes {@linkcode Arrivals}: a unit for each event would cost more than the event. */
export function newArrivals(local: Pick<LocalBus, "accept" | "acceptAll">): Arrivals {
  let waiting: Waiting[] = [];

  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    try {
      const outcomes = await local.acceptAll(batch.map(({ arrival }) => arrival));
      for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] ?? { duplicate: false });
    } catch (thrown) {
      // Nothing can be stored now; or one of them cannot be, which its neighbours must not suffer from.
      if (toAppError(thrown).kind === "unavailable") { for (const { reject } of batch) reject(thrown); }
      else {for (const { arrival, resolve, reject } of batch) {
          local.accept(arrival.event, arrival.providerKey).then(resolve, reject);
        }}
    }
  };

  return {
    accept(arrival) {
      const { promise, resolve, reject } = Promise.withResolvers<Published>();
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ arrival, resolve, reject });
      return promise;
    },
  };
}
