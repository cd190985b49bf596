import type { ChannelPlace } from "../http/channel_routes.ts";
import {
  channelRestartAnswerSchema,
  channelsAnswerSchema,
  type ChannelTestAnswer,
  channelTestAnswerSchema,
} from "../http/channels_api.ts";
import { requireRunning, type Running } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { toJsonText } from "./say.ts";
import { formatChannels } from "./status_page.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent channels list`. */
export interface ChannelListFlags extends DataDirFlag {
  readonly json: boolean;
}

/** Flags of `agent channels test`. */
export interface ChannelTestFlags extends ChannelListFlags {
  readonly text?: string;
  readonly thread?: string;
  readonly key?: string;
}

/** The process waits some seconds for the provider's answer. */
const testTimeoutMs = 45_000;

/** `agent channels list`. */
export async function listChannels(terminal: Terminal, flags: ChannelListFlags): Promise<number> {
  const { admin } = await find(terminal, flags);
  const { channels } = await admin.get("/api/channels", {}, channelsAnswerSchema);
  if (flags.json) terminal.print(toJsonText({ channels }));
  else if (channels.length > 0) {
    terminal.print(`${formatChannels(channels, newInk(terminal.color), terminal.columns)}\n`);
  } else terminal.print("There are no channels. Add one: agent setup telegram --help\n");
  return 0;
}

/** `agent channels test CHANNEL CONVERSATION`. */
export async function testChannel(
  terminal: Terminal,
  { text, thread, key, ...flags }: ChannelTestFlags,
  place: ChannelPlace,
  conversation: string,
): Promise<number> {
  const { admin } = await find(terminal, flags);
  const body = { conversation, thread, text, key };
  const options = { timeoutMs: testTimeoutMs };
  const answer = await admin.post(`${toPath(place)}/test`, body, channelTestAnswerSchema, options);
  terminal.print(flags.json ? toJsonText(answer) : toPlain(toSentence(place, conversation, answer)));
  return answer.state === "sent" ? 0 : 1;
}

/** `agent channels restart CHANNEL`. */
export async function restartChannel(terminal: Terminal, flags: DataDirFlag, place: ChannelPlace): Promise<number> {
  const { admin } = await find(terminal, flags);
  await admin.post(`${toPath(place)}/restart`, {}, channelRestartAnswerSchema);
  terminal.print(`${place.plugin}.${place.instance} is started anew. How it stands: agent channels\n`);
  return 0;
}

function find(terminal: Terminal, flags: DataDirFlag): Promise<Running> {
  return requireRunning(toDataDir(flags, terminal.env), terminal.env);
}

function toPath({ plugin, instance }: ChannelPlace): string {
  return `/api/channels/${encodeURIComponent(plugin)}/${encodeURIComponent(instance)}`;
}

function toSentence({ plugin, instance }: ChannelPlace, conversation: string, answer: ChannelTestAnswer): string {
  const { state, providerMessageIds, reason = "" } = answer;
  const where = `${plugin}.${instance} to ${conversation}`;
  switch (state) {
    case "sent":
      return `Sent through ${where}. The provider's id of it: ${providerMessageIds.join(", ") || "none"}\n`;
    case "waiting":
      return `Not sent yet through ${where}: ${reason}. It waits in the outbox and is tried again\n`;
    case "dead":
      return `Not sent through ${where}: ${reason}. It is a dead letter: agent dlq list --hop outbound\n`;
  }
}
