import type { WAMessage } from "baileys";
import type { Clock } from "../../src/core/clock.ts";
import { errorKinds, toAppError } from "../../src/core/error.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import { type InboundDeps, type Mapped, toInbound } from "./inbound.ts";

/** What handing messages over needs. */
export interface IntakeDeps extends InboundDeps {
  readonly host: Pick<PluginHost<unknown>, "receive" | "log" | "signal">;
  readonly clock: Clock;
}

/** A message that the runtime cannot take for another reason than being busy is given up after this many tries. */
const maxFaultyTries = 5;
const firstRetryMs = 250;
const maxRetryMs = 10_000;

/**
 * Resolves with the message when the runtime has it; with nothing when there is nothing to hand over, or it was refused
 * for good.
 *
 * @throws the signal's reason when the runtime receives no more.
 */
export async function giveToRuntime(received: WAMessage, deps: IntakeDeps) {
  const { receive, log, signal } = deps.host;
  const mapped = map(received, deps);
  if (mapped.kind === "skipped") {
    log.debug("whatsapp.message_ignored", { reason: mapped.reason });
    return undefined;
  }
  for (let tries = 1, faults = 0;; tries++) {
    signal.throwIfAborted();
    try {
      await receive(mapped.message);
      return mapped.message;
    } catch (thrown) {
      const { kind, retryAfterMs } = toAppError(thrown);
      if (kind === "cancelled") throw thrown;
      if (kind === "invalid" || (!errorKinds[kind].retry && ++faults === maxFaultyTries)) {
        log.warn("whatsapp.message_skipped", { reason: kind });
        return undefined;
      }
      await deps.clock.wait(retryAfterMs ?? Math.min(firstRetryMs * 2 ** (tries - 1), maxRetryMs), signal);
    }
  }
}

/** People's phones write what they like: what cannot be mapped must not come again for ever. */
function map(received: WAMessage, deps: IntakeDeps): Mapped {
  try {
    return toInbound(received, deps);
  } catch (thrown) {
    deps.host.log.warn("whatsapp.message_not_understood", { error: toAppError(thrown).message });
    return { kind: "skipped", reason: "not_understood" };
  }
}
