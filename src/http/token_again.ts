import { AppError } from "../core/error.ts";
import type { Logins } from "./logins.ts";

/**
 * Asks for the token once more before something that this machine then runs.
 *
 * @param what Such as `mcp.yaml can name commands to run`.
 * @throws {AppError} `denied`, reason `token_again`, without the token or with another.
 */
export function requireTokenAgain(logins: Pick<Logins, "isToken">, token: string | undefined, what: string): void {
  if (token !== undefined && logins.isToken(token)) return;
  throw new AppError("denied", `${what}: enter the token once more`, { reason: "token_again" });
}
