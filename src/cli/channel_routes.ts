import { buildCommand } from "@stricli/core";
import { AppError } from "../core/error.ts";
import type { ChannelPlace } from "../http/channel_routes.ts";
import { buildGroup, data, json, toAction, toDescription } from "./route_parts.ts";

const channel = { brief: "Channel, such as telegram.sales", placeholder: "CHANNEL", parse: toPlace } as const;

/** `agent channels`. */
export const channelRoutes = buildGroup("Channels: how they stand, a test message, a restart", {
  list: buildCommand({
    loader: async () => toAction((await import("./channels.ts")).listChannels),
    parameters: { flags: { data, json } },
    docs: {
      brief: "List channels: how each stands, and who hears it",
      fullDescription: toDescription("Those of the running process, each with the reason where it is not up.", [
        "agent channels",
        "agent channels list --json",
      ], ["6 not running"]),
    },
  }),
  test: buildCommand({
    loader: async () => toAction((await import("./channels.ts")).testChannel),
    parameters: {
      flags: {
        text: { kind: "parsed", parse: String, brief: "What it says", placeholder: "TEXT", optional: true },
        thread: { kind: "parsed", parse: String, brief: "Thread of the chat", placeholder: "ID", optional: true },
        key: {
          kind: "parsed",
          parse: String,
          brief: "The same key is the same message: it is sent once",
          placeholder: "KEY",
          optional: true,
        },
        data,
        json,
      },
      positional: {
        kind: "tuple",
        parameters: [channel, {
          brief: "Conversation, as the provider names it",
          placeholder: "CONVERSATION",
          parse: String,
        }],
      },
    },
    docs: {
      brief: "Send a test message, and tell what the provider said",
      fullDescription: toDescription(
        "Goes through the outbox, as every message does. By mail the conversation is an address.",
        [
          "agent channels test telegram.sales 4711",
          "agent channels test email.office eva@example.org --text 'Can you read this?'",
        ],
        [
          "0 the provider took it",
          "1 it waits, or is a dead letter",
          "4 no such channel",
          "6 not running, or the channel is down",
        ],
      ),
    },
  }),
  restart: buildCommand({
    loader: async () => toAction((await import("./channels.ts")).restartChannel),
    parameters: { flags: { data }, positional: { kind: "tuple", parameters: [channel] } },
    docs: {
      brief: "Start a channel's worker anew",
      fullDescription: toDescription(
        "What comes in meanwhile waits with the provider, what goes out in the outbox.",
        ["agent channels restart telegram.sales"],
        ["4 no such channel", "6 not running"],
      ),
    },
  }),
}, "list");

function toPlace(input: string): ChannelPlace {
  const [plugin = "", instance = "default", ...rest] = input.split(".");
  if (plugin !== "" && instance !== "" && rest.length === 0) return { plugin, instance };
  throw new AppError("invalid", "write plugin and instance, such as telegram.sales");
}
