import { type TelegramConfig, telegramConfigSchema } from "../../plugins/telegram/config.ts";
import { toSecretReference } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import { chooseAgent, findAgents, toBinding, toInstance } from "./agents.ts";
import { askAllowed, type ChannelFlags, nameInstance, sayWhoMayTalk } from "./channel.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, toSecret, whyNoSecret } from "./secret.ts";
import { carryOut, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup telegram`. */
export interface TelegramFlags extends ChannelFlags {
  readonly tokenFile?: string;
  readonly apiRoot?: string;
}

const plugin = "telegram";
const answerMs = 30_000;

/** Sets up a Telegram bot. Its token is tried before anything is written. @throws {AppError} */
export async function setUpTelegram(site: Site, flags: TelegramFlags): Promise<void> {
  const prompts = await promptsFor(site, plugin, { "--token-file": flags.tokenFile });
  await site.load();
  const agent = await chooseAgent(findAgents(await site.list()), flags.agent, prompts);
  const instance = await nameInstance(site, plugin, flags, prompts);
  const token = await getToken(site, flags, prompts);
  const allow = flags.allow ?? await askAllowed(prompts, "Your name on Telegram, such as @your_name");
  const secret = `${plugin}_${instance}`;
  const settings = {
    token: toSecretReference(secret),
    ...(flags.apiRoot === undefined ? {} : { api_root: flags.apiRoot }),
  };
  await carryOut(site, {
    changes: [await toInstance(site, plugin, instance, settings), toBinding(agent, plugin, instance, allow)],
    secrets: [{ name: secret, value: token }],
    done: `${agent.id} hears ${plugin}.${instance}. ${sayWhoMayTalk(allow)}`,
  }, prompts);
}

async function getToken(site: Site, flags: TelegramFlags, prompts: Prompts | undefined): Promise<Secret> {
  let token = flags.tokenFile === undefined ? undefined : await readSecret(flags.tokenFile, "token");
  while (true) {
    token ??= toSecret(
      await prompts?.secret("Token of the bot: write /newbot to @BotFather and paste what it answers", whyNoSecret) ??
        "",
      "token",
    );
    if (flags.offline) return token;
    site.terminal.print("Asking Telegram whose token that is…\n");
    const { probeBot } = await import("../../plugins/telegram/probe.ts");
    try {
      const name = await probeBot(toConfig(token, flags.apiRoot), AbortSignal.timeout(answerMs));
      site.terminal.print(`It is that of ${name}.\n`);
      return token;
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (prompts === undefined) {
        throw new AppError(kind, `${message}. Nothing was written; --offline writes without asking Telegram`);
      }
      prompts.warn(message);
      if (!await prompts.confirm("Try another token? No: write this one all the same", true)) return token;
      token = undefined;
    }
  }
}

function toConfig(token: Secret, apiRoot: string | undefined): TelegramConfig {
  const config = telegramConfigSchema.safeParse({
    token: token.reveal(),
    ...(apiRoot === undefined ? {} : { api_root: apiRoot }),
  });
  if (config.success) return config.data;
  throw new AppError("invalid", `--api-root ${JSON.stringify(apiRoot)} is no address. Write it as https://host`);
}
