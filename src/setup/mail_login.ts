import { type EmailConfig, emailConfigSchema } from "../../plugins/email/config.ts";
import { type PresetName, presets } from "../../plugins/email/presets.ts";
import { type ConfigValue, toSecretReference } from "../config/edit.ts";
import { AppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import type { Prompts } from "./prompts.ts";
import { readSecret, type SecretFile, toSecret, whyNoSecret } from "./secret.ts";

/** How a mail account proves itself. */
export type MailLogin =
  | { readonly password: Secret }
  | {
    readonly clientId: string;
    readonly clientSecret: Secret | undefined;
    readonly refreshToken: Secret;
    readonly tokenUrl: string;
  };

/** Flags that say how the account proves itself. */
export interface MailLoginFlags {
  readonly passwordFile?: string;
  readonly clientId?: string;
  readonly clientSecretFile?: string;
  readonly refreshTokenFile?: string;
  readonly tokenUrl?: string;
}

/** The login that the flags give; `undefined` where they give none. @throws {AppError} */
export async function readLogin(
  { passwordFile, clientId, clientSecretFile, refreshTokenFile, tokenUrl }: MailLoginFlags,
  preset: PresetName | undefined,
): Promise<MailLogin | undefined> {
  if (passwordFile !== undefined) return { password: await readSecret(passwordFile, "password") };
  if (refreshTokenFile === undefined) return undefined;
  if (clientId === undefined) {
    throw new AppError("invalid", "--refresh-token-file needs --client-id, the id of your application");
  }
  return {
    clientId,
    clientSecret: clientSecretFile === undefined ? undefined : await readSecret(clientSecretFile, "client secret"),
    refreshToken: await readSecret(refreshTokenFile, "refresh token"),
    tokenUrl: toTokenUrl(tokenUrl ?? tokenUrlOf(preset) ?? ""),
  };
}

/** Asks for the login. */
export async function askLogin(prompts: Prompts, preset: PresetName | undefined): Promise<MailLogin> {
  const how = await prompts.choose("How does it log in?", [
    { value: "password", label: "with a password", hint: "of the account, or an app password" },
    {
      value: "oauth2",
      label: "with OAuth2",
      hint: "Outlook takes nothing else; needs an application of your own there",
    },
  ], preset === "outlook" ? "oauth2" : "password");
  const ask = async (message: string, what: string) => toSecret(await prompts.secret(message, whyNoSecret), what);
  if (how === "password") return { password: await ask("Its password", "password") };
  const known = tokenUrlOf(preset);
  const clientId = await prompts.text({ message: "Id of your application with the provider (client id)" });
  const hasSecret = await prompts.confirm("Has the application a client secret?", preset === "gmail");
  return {
    clientId,
    clientSecret: hasSecret ? await ask("Its client secret", "client secret") : undefined,
    refreshToken: await ask("Refresh token of the account", "refresh token"),
    tokenUrl: await prompts.text({
      message: "Address that gives out access tokens",
      ...(known === undefined ? {} : { fallback: known }),
      check: whyNoTokenUrl,
    }),
  };
}

/** What the config says of the login, and the secrets that it refers to. */
export function toLoginSettings(
  login: MailLogin,
  name: string,
): { readonly settings: Readonly<Record<string, ConfigValue>>; readonly secrets: readonly SecretFile[] } {
  if ("password" in login) {
    return { settings: { password: toSecretReference(name) }, secrets: [{ name, value: login.password }] };
  }
  const [secretName, tokenName] = [`${name}_client_secret`, `${name}_refresh_token`];
  const { clientId, clientSecret, refreshToken, tokenUrl } = login;
  const oauth2 = {
    client_id: clientId,
    ...(clientSecret === undefined ? {} : { client_secret: toSecretReference(secretName) }),
    refresh_token: toSecretReference(tokenName),
    token_url: tokenUrl,
  };
  return {
    settings: { oauth2 },
    secrets: [
      ...clientSecret === undefined ? [] : [{ name: secretName, value: clientSecret }],
      { name: tokenName, value: refreshToken },
    ],
  };
}

/** The account as the plugin takes it, the secrets themselves in it. @throws {AppError} `invalid` */
export function toEmailConfig(settings: Readonly<Record<string, ConfigValue>>, login: MailLogin): EmailConfig {
  const proof = "password" in login ? { password: login.password.reveal() } : {
    oauth2: {
      client_id: login.clientId,
      ...(login.clientSecret === undefined ? {} : { client_secret: login.clientSecret.reveal() }),
      refresh_token: login.refreshToken.reveal(),
      token_url: login.tokenUrl,
    },
  };
  const config = emailConfigSchema.safeParse({ ...settings, ...proof });
  if (config.success) return config.data;
  const [issue] = config.error.issues;
  throw new AppError("invalid", `The account is not described well: ${issue?.path.join(".")} ${issue?.message}`);
}

/**
 * Logs in to both servers. A refresh token that the provider replaces is kept where the account will look for it.
 *
 * @throws {AppError} what the servers say.
 */
export async function tryLogin(config: EmailConfig, stateDir: string, signal: AbortSignal): Promise<void> {
  const { probeMailbox } = await import("../../plugins/email/probe.ts");
  if (config.oauth2 !== undefined) await Deno.mkdir(stateDir, { recursive: true, mode: 0o700 });
  await probeMailbox(config, signal, stateDir);
}

function tokenUrlOf(preset: PresetName | undefined): string | undefined {
  return preset === undefined ? undefined : presets[preset].tokenUrl;
}

function whyNoTokenUrl(text: string): string | undefined {
  return /^https?:\/\//.test(text) && URL.canParse(text) ? undefined : "is no address. Write it as https://host/token";
}

function toTokenUrl(text: string): string {
  const fault = whyNoTokenUrl(text);
  if (fault === undefined) return text;
  throw new AppError("invalid", `--token-url ${JSON.stringify(text)} ${fault}`);
}
