import { type Context, Hono } from "hono";
import { parseRequest, readJson } from "./body.ts";
import {
  type ChannelAccess,
  type ChannelTest,
  type ChannelTestAnswer,
  channelTestSchema,
  type ConversationFilter,
  conversationFilterSchema,
  type ConversationView,
} from "./channels_api.ts";
import { type NoteDown, toActor } from "./door.ts";

/** A channel instance. */
export interface ChannelPlace {
  readonly plugin: string;
  readonly instance: string;
}

/** What can be seen of a channel instance, and tried. Whatever names one throws `missing` where there is none. */
export interface ChannelDesk {
  /** Newest first. */
  conversations(
    place: ChannelPlace,
    filter: ConversationFilter,
    signal: AbortSignal,
  ): Promise<readonly ConversationView[]>;
  access(place: ChannelPlace): readonly ChannelAccess[];
  /**
   * Sends a test message the way that every message goes, and waits a few seconds for what becomes of it.
   *
   * @throws {AppError} `unavailable`, reason `channel_down`, for an instance that cannot send.
   */
  test(place: ChannelPlace, message: ChannelTest, signal: AbortSignal): Promise<ChannelTestAnswer>;
}

const queryMs = 15_000;
/** Longer than the outbox waits for the fate of a message. */
const testMs = 30_000;
const maxTestBytes = 20_000;

/** `/api/channels/:plugin/:instance`: with whom it talks, who may, and whether it can send. */
export function newChannelRoutes(desk: ChannelDesk, note: NoteDown): Hono {
  const toPlace = (context: Context): ChannelPlace => ({
    plugin: context.req.param("plugin") ?? "",
    instance: context.req.param("instance") ?? "",
  });
  const app = new Hono();
  app.get("/:plugin/:instance/conversations", async (context) => {
    const filter = parseRequest(conversationFilterSchema, context.req.query());
    const items = await desk.conversations(toPlace(context), filter, AbortSignal.timeout(queryMs));
    return context.json({ items });
  });
  app.get("/:plugin/:instance/access", (context) => context.json({ items: desk.access(toPlace(context)) }));
  app.post("/:plugin/:instance/test", async (context) => {
    const place = toPlace(context);
    const message = await readJson(context.req.raw, maxTestBytes, channelTestSchema);
    const answer = await desk.test(place, message, AbortSignal.timeout(testMs));
    await note({
      actor: toActor(context),
      action: "channel.tested",
      target: `${place.plugin}.${place.instance} ${message.conversation}: ${answer.state}`,
    });
    return context.json(answer);
  });
  return app;
}
