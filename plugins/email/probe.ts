import "./nameless_host.ts";
import { type EmailConfig, toImapServer } from "./config.ts";
import { connectImap } from "./imap.ts";

/**
 * Logs in to the IMAP server with the password. An account with a refresh token is not tried: each use may give a new
 * one, which only its worker keeps.
 *
 * @throws {AppError} `unavailable`; with reason `login_refused` for a wrong password.
 */
export async function probeMailbox(config: EmailConfig, signal: AbortSignal): Promise<string> {
  const pass = config.password?.reveal();
  if (pass === undefined) return config.address;
  const ca = config.tls_ca_file === undefined ? undefined : await Deno.readTextFile(config.tls_ca_file);
  const credentials = { login: () => Promise.resolve({ pass }), refused: () => {} };
  using _connection = await connectImap({ server: toImapServer(config), credentials, ca }, signal);
  return config.address;
}
