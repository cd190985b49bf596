import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Secret } from "../core/secret.ts";

const sessionMs = 12 * 3_600_000;
const linkMs = 15 * 60_000;
const failureWindowMs = 60_000;
const maxFailures = 10;
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
  const expected = toBytes(token.reveal());
  const sessions = new Map<string, number>();
  const codes = new Map<string, number>();
  let failures: number[] = [];

  const isToken = (given: string) => equalBytes(toBytes(given), expected);
  const newSession = () => remember(sessions, maxSessions, clock.monotonic() + sessionMs);

  return {
    isToken,
    logIn(given) {
      const now = clock.monotonic();
      failures = failures.filter((at) => now - at < failureWindowMs);
      const [oldest] = failures;
      if (oldest !== undefined && failures.length >= maxFailures) {
        throw new AppError("denied", "Too many logins failed within a minute. Wait a minute, then try again", {
          reason: "too_many_logins",
          retryAfterMs: oldest + failureWindowMs - now,
        });
      }
      if (isToken(given)) return newSession();
      failures.push(now);
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

function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Compares in a time that depends on the expected bytes alone. */
function equalBytes(given: Uint8Array, expected: Uint8Array): boolean {
  let difference = given.length ^ expected.length;
  for (let index = 0; index < expected.length; index++) difference |= (given[index] ?? 0) ^ (expected[index] ?? 0);
  return difference === 0;
}
