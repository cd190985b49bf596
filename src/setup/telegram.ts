import { tryTelegram } from "../app/live.ts";
import { toSecretReference } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import { chooseAgent, findAgents, toBinding, toInstance } from "./agents.ts";
import { toId, whyNoId } from "./ids.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, toSecret, whyNoSecret } from "./secret.ts";
import { carryOut, type PlaceFlags, promptsFor, type Site } from "./site.ts";

/** Flags that every channel takes. */
export interface ChannelFlags extends PlaceFlags {
  readonly instance?: string;
  readonly agent?: string;
  readonly allow?: readonly string[];
  readonly offline: boolean;
}

/** Flags of `agent setup telegram`. */
export interface TelegramFlags extends ChannelFlags {
  readonly tokenFile?: string;
  readonly apiRoot?: string;
}

const plugin = "telegram";
const publicRoot = "https://api.telegram.org";

/** Sets up a Telegram bot. Its token is tried before anything is written. @throws {AppError} */
export async function setUpTelegram(site: Site, flags: TelegramFlags): Promise<void> {
  const prompts = await promptsFor(site, plugin, { "--token-file": flags.tokenFile });
  await site.load();
  const agent = await chooseAgent(await findAgents(site), flags.agent, prompts);
  const instance = await nameInstance(flags, prompts);
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

/** The name of a channel's account. @throws {AppError} `invalid` */
export async function nameInstance(flags: ChannelFlags, prompts: Prompts | undefined): Promise<string> {
  if (flags.instance !== undefined) return toId(flags.instance, "--instance");
  const message = "A name for this account, for logs and commands";
  return await prompts?.text({ message, fallback: "default", check: whyNoId }) ?? "default";
}

/** Who may talk from the start. */
export async function askAllowed(prompts: Prompts | undefined, message: string): Promise<readonly string[]> {
  const nobody = "nobody yet";
  const answer = await prompts?.text({ message, fallback: nobody }) ?? nobody;
  return answer === nobody ? [] : answer.split(/[\s,]+/).filter((name) => name !== "");
}

/** What the operator has to know about who may talk. */
export function sayWhoMayTalk(allow: readonly string[]): string {
  if (allow.length > 0) return `${allow.join(", ")} may talk; others get a code for: agent pair approve CODE`;
  return "Nobody may talk yet: who writes gets a code, and you let them in: agent pair approve CODE";
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
    try {
      const name = await tryTelegram(flags.apiRoot ?? publicRoot, token.reveal());
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
