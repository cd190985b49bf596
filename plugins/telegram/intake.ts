import { setTimeout as wait } from "node:timers/promises";
import { errorKinds, toAppError } from "../../src/core/error.ts";
import type { Log } from "../../src/core/log.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import { toInbound } from "./inbound.ts";
import { type TelegramUpdate, type TelegramUser, updateSchema } from "./update.ts";

/** Hands updates to the runtime. */
export interface TelegramIntake {
  /**
   * Resolves when the runtime has every one of `updates`, or has refused it for good. Updates of one chat are handed
   * over in order, different chats at the same time.
   *
   * @throws the signal's reason when it fires first.
   */
  takeAll(updates: readonly unknown[], signal: AbortSignal): Promise<void>;
  /**
   * Hands over one update after those of its chat that came before it.
   *
   * @throws {AppError} `unavailable` when the provider must send it again.
   */
  takeOne(update: unknown, signal: AbortSignal): Promise<void>;
}

/** Enough to fill one group commit of the ledger, few enough to leave credits for others. */
const maxParallelChats = 16;
/** A message that the runtime cannot take for another reason than being busy is given up after this many tries. */
const maxFaultyTries = 5;
const firstRetryMs = 250;
const maxRetryMs = 10_000;

/** Makes a {@linkcode TelegramIntake} for the bot `me`. */
export function newTelegramIntake(
  host: Pick<PluginHost<unknown>, "receive" | "log">,
  me: TelegramUser,
): TelegramIntake {
  const tails = new Map<string, Promise<void>>();
  let skipped = 0;

  function skip(log: Log, updateId: number, reason: string): void {
    log.warn("telegram.update_skipped", { updateId, reason, skipped: ++skipped });
  }

  /** The update as a hand-over, or `undefined` where there is nothing to hand over. */
  function read(raw: unknown): { readonly chat: string; give(): Promise<void>; readonly updateId: number } | undefined {
    const parsed = updateSchema.safeParse(raw);
    if (!parsed.success) {
      skip(host.log, toUpdateId(raw) ?? 0, "not_understood");
      return undefined;
    }
    const update: TelegramUpdate = parsed.data;
    const mapped = toInbound(update, me);
    if (mapped.kind === "skipped") {
      host.log.debug("telegram.update_ignored", { updateId: update.update_id, reason: mapped.reason });
      return undefined;
    }
    const { message } = mapped;
    return { chat: message.conversation, updateId: update.update_id, give: () => host.receive(message) };
  }

  async function giveUntilTaken(give: () => Promise<void>, updateId: number, signal: AbortSignal): Promise<void> {
    for (let tries = 1, faults = 0;; tries++) {
      signal.throwIfAborted();
      try {
        return await give();
      } catch (thrown) {
        const { kind, retryAfterMs } = toAppError(thrown);
        if (kind === "invalid") return skip(host.log, updateId, kind);
        if (kind === "cancelled") throw thrown;
        if (!errorKinds[kind].retry && ++faults === maxFaultyTries) return skip(host.log, updateId, kind);
        await wait(retryAfterMs ?? Math.min(firstRetryMs * 2 ** (tries - 1), maxRetryMs), undefined, { signal });
      }
    }
  }

  return {
    async takeAll(updates, signal) {
      const chats = Map.groupBy(updates.flatMap((raw) => read(raw) ?? []), ({ chat }) => chat);
      const lanes = chats.values();
      const work = async () => {
        for (const lane of lanes) {
          for (const { give, updateId } of lane) await giveUntilTaken(give, updateId, signal);
        }
      };
      await Promise.all(Array.from({ length: Math.min(maxParallelChats, chats.size) }, work));
    },
    async takeOne(raw, signal) {
      const update = read(raw);
      if (update === undefined) return;
      const before = tails.get(update.chat) ?? Promise.resolve();
      const mine = before.then(() => signal.throwIfAborted()).then(update.give);
      const tail = mine.catch(() => {}); // told to whoever handed this update in, below
      tails.set(update.chat, tail);
      try {
        await mine;
      } catch (thrown) {
        const { kind } = toAppError(thrown);
        if (kind !== "invalid") throw thrown;
        skip(host.log, update.updateId, kind);
      } finally {
        if (tails.get(update.chat) === tail) tails.delete(update.chat);
      }
    },
  };
}

/** Id of whatever came in the place of an update. */
export function toUpdateId(raw: unknown): number | undefined {
  return updateSchema.pick({ update_id: true }).safeParse(raw).data?.update_id;
}
