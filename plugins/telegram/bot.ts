import { AppError, toAppError } from "../../src/core/error.ts";
import type { Channel, PluginHost } from "../../src/core/plugin.ts";
import { type BotApi, newBotApi } from "./api.ts";
import type { TelegramConfig } from "./config.ts";
import { newTelegramIntake } from "./intake.ts";
import { openJournal } from "./journal.ts";
import { openMedia } from "./media.ts";
import { sendOutbound, toChatId, toThreadParameters } from "./outbound.ts";
import { runPolling } from "./polling.ts";
import { type TelegramUser, wantedUpdates } from "./update.ts";
import { answerWebhook } from "./webhook.ts";

/**
 * Connects one bot.
 *
 * @throws {AppError} `unavailable` when Telegram cannot be reached or refuses the token.
 */
export async function openTelegramBot(host: PluginHost<TelegramConfig>): Promise<Channel & AsyncDisposable> {
  const { config, signal } = host;
  const api = newBotApi(config.api_root, await host.secret("token"));
  const me: TelegramUser = await api.ask("getMe", signal, (methods, bounded) => methods.getMe(bounded));
  const identity = `@${me.username ?? me.id}`;
  await setCommands(api, host);
  await using cleanup = new AsyncDisposableStack();
  const journal = cleanup.use(openJournal(`${host.stateDir}/journal.db`));
  const media = await openMedia(api, `${host.stateDir}/media`);
  const intake = newTelegramIntake(host, me);
  const webhookSecret = config.webhook === undefined ? undefined : await host.secret("webhook.secret");
  if (config.webhook === undefined || webhookSecret === undefined) {
    await api.ask("deleteWebhook", signal, (methods, bounded) => methods.deleteWebhook({}, bounded));
    const polling = runPolling({ api, intake, host, pollSeconds: config.poll_seconds, identity });
    cleanup.defer(() => polling);
  } else {
    const webhook = {
      url: config.webhook.public_url,
      secret_token: webhookSecret,
      allowed_updates: wantedUpdates,
    };
    await api.ask("setWebhook", signal, (methods, bounded) => methods.setWebhook(webhook, bounded));
  }
  host.report({ state: "up", identity });
  const outbound = { api, journal, log: host.log, markdown: config.markdown };
  const owned = cleanup.move();
  return {
    send: (message, sending) => sendOutbound(outbound, message, sending),
    find(key) {
      const providerMessageIds = journal.findSent(key);
      return Promise.resolve(providerMessageIds && { providerMessageIds: [...providerMessageIds] });
    },
    async typing(conversation, thread, typing) {
      const payload = {
        chat_id: toChatId(journal.currentChat(conversation)),
        action: "typing" as const,
        ...toThreadParameters(thread),
      };
      await api.ask("sendChatAction", typing, (methods, bounded) => methods.sendChatAction(payload, bounded));
    },
    webhook(request, answering) {
      if (webhookSecret === undefined) {
        throw new AppError("missing", `${identity} polls. Set "webhook" in its config to be called`);
      }
      return answerWebhook({ intake, secret: webhookSecret, receiving: signal }, request, answering);
    },
    fetch: (ref, { maxBytes }, fetching) => media.fetch(ref, Math.min(maxBytes, config.max_media_bytes), fetching),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A menu is a convenience: without it the bot still works. */
async function setCommands(api: BotApi, { config, log, signal }: PluginHost<TelegramConfig>): Promise<void> {
  const { commands } = config;
  if (commands.length === 0) return;
  try {
    await api.ask("setMyCommands", signal, (methods, bounded) => methods.setMyCommands({ commands }, bounded));
  } catch (thrown) {
    log.warn("telegram.commands_refused", { error: toAppError(thrown).message });
  }
}
