import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { calls } from "../core/topics.ts";
import type { ReplyAddress } from "./arrival.ts";

/** Providers take the sign away after five seconds or so. */
const everyMs = 4_000;

/** Shows that somebody is writing until disposed. A channel that cannot is asked once and left alone. */
export function showTyping(
  address: ReplyAddress,
  { bus, clock, log, signal }: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Disposable {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const { conversation, thread } = address;
  const call = calls.typing(address.plugin, address.instance);
  const keepShowing = async () => {
    while (!until.aborted) {
      const { shown } = await bus.request(call, { conversation, ...(thread === undefined ? {} : { thread }) }, {
        signal: until,
      });
      if (!shown) return;
      await clock.wait(everyMs, until);
    }
  };
  keepShowing().catch((thrown) => {
    if (!until.aborted) log.debug("typing.failed", { plugin: address.plugin, error: toAppError(thrown).message });
  });
  return { [Symbol.dispose]: () => stop.abort() };
}
