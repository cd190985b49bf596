import { AppError, toAppError } from "../core/error.ts";
import type { Logins } from "./logins.ts";
import { tooManyGuesses } from "./wrong_guesses.ts";

/**
 * Asks for an operator's token once more before something that this machine then runs, or that outlives a session.
 *
 * @param what Such as `mcp.yaml can name commands to run`.
 * @throws {AppError} `denied`, reason `token_again`, without an operator's token; `too_many_guesses` after too many.
 */
export function requireTokenAgain(logins: Pick<Logins, "identify">, token: string | undefined, what: string): void {
  if (token !== undefined && isOperators(logins, token)) return;
  throw new AppError("denied", `${what}: enter the token once more`, { reason: "token_again" });
}

function isOperators(logins: Pick<Logins, "identify">, token: string): boolean {
  try {
    return logins.identify(token, "form").role === "operator";
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind !== "denied" || error.reason === tooManyGuesses) throw error;
    return false;
  }
}
