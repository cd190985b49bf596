import { setTimeout as wait } from "node:timers/promises";
import { AppError, toAppError } from "../../src/core/error.ts";
import type { PluginHost } from "../../src/core/plugin.ts";
import type { BotApi } from "./api.ts";
import { type TelegramIntake, toUpdateId } from "./intake.ts";
import { wantedUpdates } from "./update.ts";

/** What polling needs. */
export interface PollingDeps {
  readonly api: BotApi;
  readonly intake: TelegramIntake;
  readonly host: Pick<PluginHost<unknown>, "log" | "report" | "signal">;
  readonly pollSeconds: number;
  /** Who the bot is, for its status. */
  readonly identity: string;
}

const firstRetryMs = 1_000;
const maxRetryMs = 30_000;

/**
 * Asks Telegram for updates until `host.signal` fires. Each request confirms the updates of the one before it, all of
 * which the runtime has by then: https://core.telegram.org/bots/api#getupdates. Never rejects.
 */
export async function runPolling({ api, intake, host, pollSeconds, identity }: PollingDeps): Promise<void> {
  const { signal } = host;
  let offset: number | undefined;
  let failures = 0;
  while (!signal.aborted) {
    // After a failure Telegram shall answer at once, so that the status shows when it works again.
    const timeout = failures === 0 ? pollSeconds : 0;
    const question = { timeout, allowed_updates: wantedUpdates, ...(offset === undefined ? {} : { offset }) };
    try {
      const answer: unknown = await api.ask(
        "getUpdates",
        signal,
        (methods, bounded) => methods.getUpdates(question, bounded),
        timeout * 1_000,
      );
      const updates = toUpdates(answer);
      if (failures > 0) host.report({ state: "up", identity });
      failures = 0;
      await intake.takeAll(updates, signal);
      offset = toNextOffset(updates);
    } catch (thrown) {
      if (signal.aborted) return;
      const { message, retryAfterMs } = toAppError(thrown);
      host.report({ state: "degraded", reason: message, identity });
      if (failures === 0) host.log.warn("telegram.poll_failed", { error: message });
      const backoffMs = Math.min(firstRetryMs * 2 ** failures++, maxRetryMs);
      await sleep(retryAfterMs ?? backoffMs / 2 + Math.random() * backoffMs / 2, signal);
    }
  }
}

/** Whatever answers in the place of Telegram need not keep to its types. @throws {AppError} `unavailable` */
function toUpdates(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw new AppError("unavailable", "getUpdates: the answer holds no list of updates. Check api_root");
}

/**
 * `undefined` after an empty answer: everything is confirmed then. Telegram begins anew at a random, maybe lower, id
 * after a quiet week, and an old offset would confirm updates that nobody has seen. For the same reason the offset is
 * not kept across restarts: what Telegram delivers again is known by its message id.
 */
function toNextOffset(updates: readonly unknown[]): number | undefined {
  const ids = updates.flatMap((update) => toUpdateId(update) ?? []);
  return ids.length === 0 ? undefined : Math.max(...ids) + 1;
}

/** Returns early when `signal` fires; the caller looks at it. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}
