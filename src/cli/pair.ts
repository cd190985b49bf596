import { renderUnicodeCompact } from "uqr";
import { AppError } from "../core/error.ts";
import { channelRestartAnswerSchema, channelsAnswerSchema, type ChannelView } from "../http/channels_api.ts";
import { systemClock } from "../lib/clock.ts";
import { type AdminClient, requireRunning } from "./admin_client.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import type { Terminal } from "./terminal.ts";

const plugin = "whatsapp";
const lookEveryMs = 1_000;

/** Flags of `agent pair whatsapp`. */
export interface PairWhatsAppFlags extends DataDirFlag {
  /** Forget the account that it is linked with. */
  readonly anew: boolean;
}

/**
 * `agent pair whatsapp INSTANCE`: shows how to link the account, until it is linked. One that has stopped is started
 * again first.
 */
export async function pairWhatsApp(
  terminal: Terminal,
  flags: PairWhatsAppFlags,
  instance: string,
  signal?: AbortSignal,
): Promise<number> {
  const { admin, console } = await requireRunning(toDataDir(flags, terminal.env), terminal.env);
  const { state } = await readChannel(admin, instance);
  if (flags.anew || state === "down") {
    const path = `/api/channels/${plugin}/${encodeURIComponent(instance)}/restart`;
    await admin.post(path, { unlink: flags.anew }, channelRestartAnswerSchema);
  }
  let shown = "";
  while (true) {
    const channel = await readChannel(admin, instance);
    if (channel.state === "up") {
      terminal.print(`${plugin}.${instance} is linked: ${toPlain(channel.identity ?? "")}\n`);
      return 0;
    }
    if (channel.state === "down") {
      throw new AppError("unavailable", `${plugin}.${instance} cannot be linked: ${channel.reason ?? "see its log"}`);
    }
    const page = toPage(channel, console, terminal.color);
    if (page !== shown) terminal.print(page);
    shown = page;
    await systemClock.wait(lookEveryMs, signal);
  }
}

async function readChannel(admin: AdminClient, instance: string): Promise<ChannelView> {
  const { channels } = await admin.get("/api/channels", {}, channelsAnswerSchema);
  const found = channels.find((one) => one.plugin === plugin && one.instance === instance);
  if (found !== undefined) return found;
  const known = channels.filter((one) => one.plugin === plugin).map((one) => one.instance).join(", ");
  throw new AppError("missing", `There is no ${plugin}.${instance}. There are: ${known || "none"}`);
}

function toPage({ reason, pairing }: ChannelView, console: string, color: boolean): string {
  const words = `${toPlain(reason ?? "")}\n`;
  if (pairing === undefined) return words;
  if ("code" in pairing) return `${words}\n  ${toPlain(pairing.code)}\n\n`;
  const code = renderUnicodeCompact(pairing.qr, { border: 2 });
  const paint = (line: string) => color ? `${whiteOnBlack}${line}\x1b[0m` : line;
  return `\n${code.split("\n").map(paint).join("\n")}\n\n${words}` +
    `If the code is larger than this window, scan it in the console, on the page Channels: ${console}\n\n`;
}

/** The blocks are the light part of the code, whatever colours the terminal has. */
const whiteOnBlack = "\x1b[97;40m";
