import { emailConfigSchema } from "../../plugins/email/config.ts";
import type { PresetName } from "../../plugins/email/presets.ts";
import type { ConfigValue } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import { chooseAgent, findAgents, toBinding, toInstance } from "./agents.ts";
import { askAllowed, type ChannelFlags, nameInstance, sayWhoMayTalk } from "./channel.ts";
import {
  askLogin,
  type MailLogin,
  type MailLoginFlags,
  readLogin,
  toEmailConfig,
  toLoginSettings,
  tryLogin,
} from "./mail_login.ts";
import { findMailServers, type FoundServer, type FoundServers, newNetwork } from "./mail_servers.ts";
import type { Prompts } from "./prompts.ts";
import { carryOut, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup email`. */
export interface EmailFlags extends ChannelFlags, MailLoginFlags {
  readonly address?: string;
  readonly preset?: PresetName;
  readonly imap?: string;
  readonly smtp?: string;
  /** Name to log in with, where it is not the address. */
  readonly login?: string;
  readonly caFile?: string;
}

const plugin = "email";
const answerMs = 30_000;

/** Sets up a mail account. Its login is tried before anything is written. @throws {AppError} */
export async function setUpEmail(site: Site, flags: EmailFlags): Promise<void> {
  const prompts = await promptsFor(site, plugin, {
    "--address": flags.address,
    "--password-file or --refresh-token-file": flags.passwordFile ?? flags.refreshTokenFile,
  });
  await site.load();
  const agent = await chooseAgent(findAgents(await site.list()), flags.agent, prompts);
  const instance = await nameInstance(site, plugin, flags, prompts);
  const address = flags.address ?? await prompts?.text({ message: "Mail address", check: whyNoAddress }) ?? "";
  const fault = whyNoAddress(address);
  if (fault !== undefined) throw new AppError("invalid", `--address ${JSON.stringify(address)} ${fault}`);
  const servers = await findServers(site, address, flags, prompts);
  const settings: Record<string, ConfigValue> = {
    address,
    ...toSettings(servers, flags.login),
    ...(flags.caFile === undefined ? {} : { tls_ca_file: await Deno.realPath(flags.caFile) }),
  };
  const login = await getLogin(site, { settings, instance, servers, flags }, prompts);
  const allow = flags.allow ?? await askAllowed(prompts, "Whose mail shall be answered, such as you@example.org");
  const proof = toLoginSettings(login, `${plugin}_${instance}`);
  await carryOut(site, {
    changes: [
      await toInstance(site, plugin, instance, { ...settings, ...proof.settings }),
      toBinding(agent, plugin, instance, allow),
    ],
    secrets: proof.secrets,
    done: `${agent.id} reads ${address}. ${sayWhoMayTalk(allow)}`,
  }, prompts);
}

function whyNoAddress(text: string): string | undefined {
  return emailConfigSchema.shape.address.safeParse(text).success ? undefined : "is no mail address";
}

async function findServers(
  { terminal }: Site,
  address: string,
  { preset, imap, smtp }: EmailFlags,
  prompts: Prompts | undefined,
): Promise<FoundServers> {
  if (preset !== undefined) return { preset };
  if (imap !== undefined && smtp !== undefined) return toServers(imap, smtp);
  terminal.print(`Looking for the servers of ${address}…\n`);
  const found = await findMailServers(address, newNetwork());
  if (found !== undefined) {
    const where = "preset" in found ? found.preset : `${found.imap.host} and ${found.smtp.host}`;
    terminal.print(`Found ${where}.\n`);
    return found;
  }
  if (prompts === undefined) {
    throw new AppError(
      "missing",
      `Cannot find the servers of ${address}. Name them: --imap HOST[:PORT] --smtp HOST[:PORT]`,
    );
  }
  prompts.warn("Its domain does not tell where they are.");
  return toServers(
    await prompts.text({ message: "IMAP server, HOST or HOST:PORT" }),
    await prompts.text({ message: "SMTP server, HOST or HOST:PORT" }),
  );
}

function toServers(imap: string, smtp: string): FoundServers {
  return { imap: toServer(imap, 993), smtp: toServer(smtp, 587) };
}

/** Ports with TLS from the start; on all others it begins with STARTTLS. */
const tlsPorts: readonly number[] = [993, 465];

function toServer(text: string, usualPort: number): FoundServer {
  const [, host = "", port] = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === "") throw new AppError("invalid", `${JSON.stringify(text)} is no server. Write HOST or HOST:PORT`);
  const number = port === undefined ? usualPort : Number(port);
  return { host, port: number, secure: tlsPorts.includes(number) };
}

function toSettings(servers: FoundServers, login: string | undefined): Readonly<Record<string, ConfigValue>> {
  const user = login === undefined ? {} : { user: login };
  if (!("preset" in servers)) return { imap: { ...servers.imap, ...user }, smtp: { ...servers.smtp, ...user } };
  if (login === undefined) return { preset: servers.preset };
  throw new AppError(
    "invalid",
    `${servers.preset} logs in with the address. Leave out --login, or name --imap and --smtp`,
  );
}

/** What is known of an account before its login. */
interface Account {
  readonly settings: Readonly<Record<string, ConfigValue>>;
  readonly instance: string;
  readonly servers: FoundServers;
  readonly flags: EmailFlags;
}

async function getLogin(
  { terminal, dataDir }: Site,
  { settings, instance, servers, flags }: Account,
  prompts: Prompts | undefined,
): Promise<MailLogin> {
  const preset = "preset" in servers ? servers.preset : undefined;
  let login = await readLogin(flags, preset);
  while (true) {
    login ??= prompts && await askLogin(prompts, preset);
    if (login === undefined) throw new AppError("bug", "Nobody said how it logs in");
    const config = toEmailConfig(settings, login);
    if (flags.offline) return login;
    terminal.print("Logging in, to read and to send…\n");
    try {
      await tryLogin(config, `${dataDir}/plugins/${plugin}/${instance}`, AbortSignal.timeout(answerMs));
      terminal.print("Both servers take the login.\n");
      return login;
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (prompts === undefined) {
        throw new AppError(kind, `${message}. Nothing was written; --offline writes without logging in`);
      }
      prompts.warn(message);
      if (!await prompts.confirm("Try another login? No: write it all the same", true)) return login;
      login = undefined;
    }
  }
}
