import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Notification } from "./rpc.ts";

/** Entries of one extension's log within a minute; more are counted and dropped. */
const maxEntries = 100;

/** Writes what an extension tells beside its answers into our log. */
export function newNotified(extension: string, log: Log, clock: Clock): (notification: Notification) => void {
  let entries = 0;
  let since = clock.monotonic();
  return ({ method, params }) => {
    if (clock.monotonic() - since > 60_000) {
      if (entries > maxEntries) log.warn("extension.log_dropped", { extension, dropped: entries - maxEntries });
      entries = 0;
      since = clock.monotonic();
    }
    if (++entries > maxEntries) return;
    const message = params.message ?? "";
    if (method === "progress") log.debug("extension.progress", { extension, message });
    else log[params.level]("extension.said", { extension, message });
  };
}
