import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";
import { isSameText } from "../lib/same_text.ts";
import { newGuesses } from "../resilience/guesses.ts";

const sessionMs = 12 * 3_600_000;
const linkMs = 15 * 60_000;
const maxSessions = 100;
const maxLinks = 20;

/** Who may use the console and the APIs: holders of the token, of a session, or of an unused login code. */
export interface Logins {
  /** Whether `given` is the token, in a time that tells nothing about it. */
  isToken(given: string): boolean;
  /**
   * A new session for whoever knows the token.
   *
   * @throws {AppError} `denied`, reason `wrong_token` or, after ten failures within a minute, `too_many_logins`.
   */
  logIn(token: string): string;
  /** A new session for a login code, which is used up by this; `undefined` where it is unknown, used or too old. */
  redeem(code: string): string | undefined;
  /** A code for one login within 15 minutes. */
  newCode(): string;
  isSession(id: string): boolean;
  logOut(id: string): void;
}

/** Makes the {@linkcode Logins} of one process; they end with it. */
export function newLogins(token: Secret, clock: Clock): Logins {
  const guesses = newGuesses({ clock, message: "Too many logins failed", reason: "too_many_logins" });
  const sessions = new Map<string, number>();
  const codes = new Map<string, number>();

  const isToken = (given: string) => isSameText(given, token.reveal());
  const newSession = () => remember(sessions, maxSessions, clock.monotonic() + sessionMs);

  return {
    isToken,
    logIn(given) {
      guesses.check();
      if (isToken(given)) return newSession();
      guesses.miss();
      throw new AppError("denied", "This is not the console's token. It stands in admin.token in the data folder", {
        reason: "wrong_token",
      });
    },
    redeem(code) {
      const expiresAt = codes.get(code);
      codes.delete(code);
      return expiresAt !== undefined && clock.monotonic() < expiresAt ? newSession() : undefined;
    },
    newCode: () => remember(codes, maxLinks, clock.monotonic() + linkMs),
    isSession(id) {
      const expiresAt = sessions.get(id);
      if (expiresAt === undefined) return false;
      if (clock.monotonic() < expiresAt) return true;
      sessions.delete(id);
      return false;
    },
    logOut: (id) => void sessions.delete(id),
  };
}

/** Adds a random key to a map of at most `bound` entries, whose oldest makes room. */
function remember(map: Map<string, number>, bound: number, expiresAt: number): string {
  for (const oldest of map.keys()) {
    if (map.size < bound) break;
    map.delete(oldest);
  }
  const key = crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
  map.set(key, expiresAt);
  return key;
}
