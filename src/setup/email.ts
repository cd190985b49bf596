import { emailConfigSchema } from "../../plugins/email/config.ts";
import type { PresetName } from "../../plugins/email/presets.ts";
import { type ConfigValue, toSecretReference } from "../config/edit.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import { chooseAgent, findAgents, toBinding, toInstance } from "./agents.ts";
import { askAllowed, type ChannelFlags, nameInstance, sayWhoMayTalk } from "./channel.ts";
import { findMailServers, type FoundServer, type FoundServers, newNetwork } from "./mail_servers.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, toSecret, whyNoSecret } from "./secret.ts";
import { carryOut, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup email`. */
export interface EmailFlags extends ChannelFlags {
  readonly address?: string;
  readonly passwordFile?: string;
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
    "--password-file": flags.passwordFile,
  });
  await site.load();
  const agent = await chooseAgent(await findAgents(site), flags.agent, prompts);
  const instance = await nameInstance(flags, prompts);
  const address = flags.address ?? await prompts?.text({ message: "Mail address", check: whyNoAddress }) ?? "";
  const fault = whyNoAddress(address);
  if (fault !== undefined) throw new AppError("invalid", `--address ${JSON.stringify(address)} ${fault}`);
  const servers = await findServers(site, address, flags, prompts);
  const settings: Record<string, ConfigValue> = {
    address,
    ...toSettings(servers, flags.login),
    ...(flags.caFile === undefined ? {} : { tls_ca_file: await Deno.realPath(flags.caFile) }),
  };
  const password = await getPassword(site, settings, flags, prompts);
  const allow = flags.allow ?? await askAllowed(prompts, "Whose mail shall be answered, such as you@example.org");
  const secret = `${plugin}_${instance}`;
  await carryOut(site, {
    changes: [
      await toInstance(site, plugin, instance, { ...settings, password: toSecretReference(secret) }),
      toBinding(agent, plugin, instance, allow),
    ],
    secrets: [{ name: secret, value: password }],
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

async function getPassword(
  { terminal }: Site,
  settings: Readonly<Record<string, ConfigValue>>,
  { passwordFile, offline }: EmailFlags,
  prompts: Prompts | undefined,
): Promise<Secret> {
  let password = passwordFile === undefined ? undefined : await readSecret(passwordFile, "password");
  while (true) {
    password ??= toSecret(
      await prompts?.secret("Its password, or app password where the provider wants one", whyNoSecret) ?? "",
      "password",
    );
    const config = emailConfigSchema.safeParse({ ...settings, password: password.reveal() });
    if (!config.success) {
      const [issue] = config.error.issues;
      throw new AppError("invalid", `The account is not described well: ${issue?.path.join(".")} ${issue?.message}`);
    }
    if (offline) return password;
    terminal.print("Logging in…\n");
    const { probeMailbox } = await import("../../plugins/email/probe.ts");
    try {
      await probeMailbox(config.data, AbortSignal.timeout(answerMs));
      terminal.print("The server takes the login.\n");
      return password;
    } catch (thrown) {
      const { kind, message } = toAppError(thrown);
      if (prompts === undefined) {
        throw new AppError(kind, `${message}. Nothing was written; --offline writes without logging in`);
      }
      prompts.warn(message);
      if (!await prompts.confirm("Try another password? No: write it all the same", true)) return password;
      password = undefined;
    }
  }
}
