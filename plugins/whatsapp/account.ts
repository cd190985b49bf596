import type { WAMessage } from "baileys";
import type { Channel, PluginHost } from "../../src/core/plugin.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openAuthStore } from "./auth_store.ts";
import { authFile, type WhatsAppConfig } from "./config.ts";
import { type Connection, openConnection } from "./connection.ts";
import { toWhatsAppError } from "./errors.ts";
import { giveToRuntime } from "./intake.ts";
import { openJournal } from "./journal.ts";
import { collectGarbage } from "./libraries.ts";
import { newLimiter } from "./limiter.ts";
import { openMedia } from "./media.ts";
import { sendOutbound, toChatJid } from "./outbound.ts";
import { newRecentTexts } from "./recent_texts.ts";
import { toToolMessage } from "./tool_calls.ts";

/** How long a start waits for the connection of an account that is paired. */
const firstConnectMs = 10_000;

/** Opens one account. Waits for its connection only where a phone has linked it. */
export async function openWhatsAppAccount(host: PluginHost<WhatsAppConfig>): Promise<Channel & AsyncDisposable> {
  const { config, stateDir, log } = host;
  const clock = systemClock;
  await using cleanup = new AsyncDisposableStack();
  const store = cleanup.use(openAuthStore(`${stateDir}/${authFile}`));
  const journal = cleanup.use(openJournal(`${stateDir}/journal.db`));
  const media = await openMedia(config.media_url, `${stateDir}/media`);
  const received = newRecentTexts();
  const { per_second, chat_per_second, burst } = config.rate_limit;
  const limiters = {
    account: newLimiter({ perSecond: per_second, burst }, clock),
    chat: newLimiter({ perSecond: chat_per_second, burst }, clock),
  };

  async function give(message: WAMessage): Promise<void> {
    const me = { id: store.creds.me?.id ?? "", lid: store.creds.me?.lid };
    const taken = await giveToRuntime(message, { host, clock, me, toConversation: journal.toConversation });
    if (taken === undefined) return;
    received.add(taken.providerMessageId, taken.text);
    if (config.read_receipts) showRead(message);
  }

  /** A courtesy, which nothing waits for. */
  async function showRead({ key }: WAMessage): Promise<void> {
    try {
      await connection.socket().readMessages([key]);
    } catch (thrown) {
      log.warn("whatsapp.read_receipt_failed", { error: toWhatsAppError(thrown).message });
    }
  }

  const isPaired = store.isPaired;
  const connection: Connection = cleanup.use(openConnection({
    config,
    store,
    log,
    clock,
    receiving: host.signal,
    report: host.report,
    give,
    findSentContent: journal.findContent,
  }));
  if (isPaired) await Promise.race([connection.settled, clock.wait(firstConnectMs)]);
  collectGarbage();
  const outbound = {
    socket: connection.socket,
    journal,
    limiters,
    markdown: config.markdown,
    findReceived: received.find,
    mediaUrl: config.media_url,
    outgoing: `${stateDir}/outgoing`,
  };
  const owned = cleanup.move();
  return {
    send: (message, signal) => sendOutbound(outbound, message, signal),
    typing: (conversation) => connection.socket().sendPresenceUpdate("composing", toChatJid(conversation)),
    tool: (call) => Promise.resolve(toToolMessage(call, journal)),
    fetch: (ref, { maxBytes }, signal) => media.fetch(ref, Math.min(maxBytes, config.max_media_bytes), signal),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
