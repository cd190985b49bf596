import { findRunning } from "../cli/admin_client.ts";
import { pairWhatsApp } from "../cli/pair.ts";
import { channelsAnswerSchema } from "../http/channels_api.ts";
import { systemClock } from "../lib/clock.ts";
import { chooseAgent, findAgents, toBinding, toInstance } from "./agents.ts";
import { askAllowed, type ChannelFlags, nameInstance, sayWhoMayTalk } from "./channel.ts";
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
  const agent = await chooseAgent(await findAgents(site), flags.agent, prompts);
  const instance = await nameInstance(flags, prompts);
  const allow = flags.allow ?? await askAllowed(prompts, "Your number, such as @4915112345678");
  const settings = flags.phone === undefined ? {} : { pairing_phone: flags.phone };
  const command = `agent pair ${plugin} ${instance}`;
  await carryOut(site, {
    changes: [await toInstance(site, plugin, instance, settings), toBinding(agent, plugin, instance, allow)],
    done: `${agent.id} hears ${plugin}.${instance} once its phone has let it in: ${command}, while agent run runs. ` +
      sayWhoMayTalk(allow),
  }, prompts);
  if (prompts !== undefined) await linkNow(site, instance, prompts);
}

async function linkNow({ terminal, dataDir }: Site, instance: string, prompts: Prompts): Promise<void> {
  const running = await findRunning(dataDir, terminal.env);
  if (running === undefined || !await prompts.confirm("Show its QR code now?", true)) return;
  const endsAtMs = Date.now() + noticeMs;
  while (Date.now() < endsAtMs) {
    const { channels } = await running.admin.get("/api/channels", {}, channelsAnswerSchema);
    if (channels.some((one) => one.plugin === plugin && one.instance === instance)) break;
    await systemClock.wait(lookEveryMs);
  }
  await pairWhatsApp(terminal, { data: dataDir, anew: false }, instance);
}
