import "./nameless_host.ts";
import { toDomain } from "./address.ts";
import { type EmailConfig, toImapServer, toSmtpServer } from "./config.ts";
import { newCredentials } from "./credentials.ts";
import { connectImap } from "./imap.ts";
import { tryLogin } from "./smtp.ts";

/**
 * Logs in to both servers, the one that is read and the one that is sent through.
 *
 * @param stateDir The account's folder, for a refresh token that the provider replaces. Absent: an account with a refresh
 *   token is not tried.
 * @throws {AppError} `unavailable`; with reason `login_refused` for a wrong password.
 */
export async function probeMailbox(config: EmailConfig, signal: AbortSignal, stateDir?: string): Promise<string> {
  const { address, password, oauth2 } = config;
  if (oauth2 !== undefined && stateDir === undefined) return address;
  const secrets = new Map([
    ["password", password],
    ["oauth2.client_secret", oauth2?.client_secret],
    ["oauth2.refresh_token", oauth2?.refresh_token],
  ]);
  const credentials = await newCredentials({
    config,
    secret: (path) => Promise.resolve(secrets.get(path)?.reveal() ?? ""),
    stateDir: stateDir ?? "",
  });
  const ca = config.tls_ca_file === undefined ? undefined : await Deno.readTextFile(config.tls_ca_file);
  {
    using _connection = await connectImap({ server: toImapServer(config), credentials, ca }, signal);
  }
  await tryLogin({ server: toSmtpServer(config), credentials, ca, helo: toDomain(address) }, signal);
  return address;
}
