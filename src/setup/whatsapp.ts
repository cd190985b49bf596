import { findRunning, requireRunning } from "../cli/admin_client.ts";
import { pairWhatsApp } from "../cli/pair.ts";
import { AppError } from "../core/error.ts";
import { channelsAnswerSchema } from "../http/channels_api.ts";
import { systemClock } from "../lib/clock.ts";
import { chooseAgent, findAgents, toBinding, toInstance } from "./agents.ts";
import { askAllowed, type ChannelFlags, nameInstance, sayWhoMayTalk } from "./channel.ts";
import { openBriefRun } from "./brief_run.ts";
import type { Prompts } from "./prompts.ts";
import { carryOut, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup whatsapp`. */
export interface WhatsAppFlags extends Omit<ChannelFlags, "offline"> {
  readonly phone?: string;
}

const plugin = "whatsapp";
/** A running process looks at the files after a moment of quiet. */
const noticeMs = 10_000;
const lookEveryMs = 250;

/** Sets up a WhatsApp account; a running process shows its QR code at once. @throws {AppError} */
export async function setUpWhatsApp(site: Site, flags: WhatsAppFlags): Promise<void> {
  const prompts = await promptsFor(site, plugin, { "--instance": flags.instance });
  await site.load();
  const agent = await chooseAgent(findAgents(await site.list()), flags.agent, prompts);
  const instance = await nameInstance(site, plugin, flags, prompts);
  const allow = flags.allow ?? await askAllowed(prompts, "Your number, such as @4915112345678");
  const settings = flags.phone === undefined ? {} : { pairing_phone: flags.phone };
  await carryOut(site, {
    changes: [await toInstance(site, plugin, instance, settings), toBinding(agent, plugin, instance, allow)],
    done: `${agent.id} hears ${plugin}.${instance} once its phone has let it in: agent pair ${plugin} ${instance}, ` +
      `while agent run runs. ${sayWhoMayTalk(allow)}`,
  }, prompts);
  if (prompts !== undefined) await linkNow(site, instance, prompts);
}

/** Shows the QR code. Where nothing runs, the agents run for as long as that takes. */
async function linkNow(site: Site, instance: string, prompts: Prompts): Promise<void> {
  const { terminal, dataDir } = site;
  const isRunning = await findRunning(dataDir, terminal.env) !== undefined;
  const question = isRunning ? "Show its QR code now?" : "Show its QR code now? The agents run until it is linked";
  if (!await prompts.confirm(question, true)) return;
  await using _briefly = isRunning ? undefined : await openBriefRun(site);
  const { admin } = await requireRunning(dataDir, terminal.env);
  const endsAtMs = Date.now() + noticeMs;
  while (Date.now() < endsAtMs) {
    const { channels } = await admin.get("/api/channels", {}, channelsAnswerSchema);
    if (channels.some((one) => one.plugin === plugin && one.instance === instance)) break;
    await systemClock.wait(lookEveryMs);
  }
  terminal.print("Ctrl-C leaves. What was written stays.\n");
  const command = `agent pair ${plugin} ${instance}`;
  await withLeaving(command, (signal) => pairWhatsApp(terminal, { data: dataDir, anew: false }, instance, signal));
}

/** What ends a program ends only `work`: what was opened for it is closed then. `command` goes on with it later. */
async function withLeaving<T>(command: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const left = new AbortController();
  const leave = () => left.abort(new AppError("cancelled", `Not linked yet; go on later with: ${command}`));
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) Deno.addSignalListener(name, leave);
  try {
    return await work(left.signal);
  } finally {
    for (const name of names) Deno.removeSignalListener(name, leave);
  }
}
