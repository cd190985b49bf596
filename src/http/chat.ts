import { newId } from "../lib/id.ts";
import type { Clock } from "../core/clock.ts";
import type { ChatEvent, ChatRequest } from "./chat_api.ts";
import type { EventStreams } from "./event_streams.ts";
import { toImage } from "./image.ts";
import { toRefusal } from "./refusal.ts";
import type { Exchange, WebChannel } from "./web_channel.ts";

/** Hands in a message of a person and streams what becomes of it, as the console and the terminal chat read it. */
export async function chat(
  request: ChatRequest,
  deps: { readonly web: WebChannel; readonly streams: EventStreams; readonly clock: Clock },
): Promise<Response> {
  const { agent, text, images = [], conversation = newId(deps.clock.now()), key = newId(deps.clock.now()) } = request;
  const exchange = await deps.web.ask({
    plugin: "console",
    agent,
    conversation,
    messageId: key,
    sender: "operator",
    text,
    attachments: images.map(toImage),
  });
  return deps.streams.open(writeEvents(exchange, { conversation, key }), exchange);
}

async function* writeEvents(
  exchange: Exchange,
  accepted: { readonly conversation: string; readonly key: string },
): AsyncGenerator<string> {
  yield writeEvent({ type: "accepted", ...accepted, duplicate: exchange.duplicate });
  try {
    for await (const events of exchange.events) yield events.map(writeEvent).join("");
    const { outcome, text, turnId, error } = await exchange.reply();
    yield writeEvent({ type: "reply", outcome, text, turnId, ...(error === undefined ? {} : { error }) });
  } catch (thrown) {
    const { kind, message, reason } = toRefusal(thrown);
    yield writeEvent({ type: "error", error: { kind, message, reason } });
  }
}

function writeEvent(event: ChatEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
