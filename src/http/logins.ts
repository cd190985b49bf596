import { rootName } from "../core/access.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import { isSameText } from "../lib/same_text.ts";
import type { Caller } from "./caller.ts";
import type { RootToken, Tokens } from "./tokens.ts";
import type { LoginView } from "./tokens_api.ts";
import { newWrongTokenError } from "./refusal.ts";
import type { WrongGuesses } from "./wrong_guesses.ts";

const loginMs = 12 * 3_600_000;
const linkMs = 15 * 60_000;
/** Of one token: nobody ends another's login by logging in often. */
const maxLogins = 20;
const maxLinks = 20;

/** Who may use the console and the APIs: holders of a token, of a login, or of an unused login code. */
export interface Logins {
  /**
   * Who brings this token, found in a time that tells nothing about it. By a header a program may bring the same wrong one
   * often.
   *
   * @throws {AppError} `denied`, reason `wrong_token`, `token_expired`, `token_revoked`; after ten wrong ones within a
   * minute `too_many_guesses`.
   */
  identify(token: string, by: "form" | "header"): Caller;
  /** A new login for whoever was let in; gives its key. */
  logIn(caller: Caller): string;
  /** Whoever is logged in with this key; `undefined` where nobody is any more. */
  find(key: string): Caller | undefined;
  /** Whether what somebody was let in with still holds. */
  isLive(caller: Caller): boolean;
  /** A code for one login of the caller within 15 minutes. */
  newCode(caller: Caller): string;
  /** Whose code it is; it is used up by this. `undefined` where it is unknown, used, too old, or its token has ended. */
  redeem(code: string): Caller | undefined;
  /** Browsers that are logged in, newest first; `current` is the key of the one that asks. */
  list(current: string | undefined): readonly LoginView[];
  /** Ends a login. */
  logOut(key: string): void;
  /** Ends one login by its number, or all. Gives how many. */
  end(id: number | undefined): number;
  /** The holder of the root token. */
  root(): Caller;
}

interface Login {
  readonly id: number;
  readonly caller: Caller;
  readonly at: string;
  readonly expiresAt: number;
  seenAt: number;
}

/** What {@linkcode newLogins} uses. */
export interface LoginsDeps {
  readonly root: RootToken;
  readonly tokens: Tokens;
  readonly guesses: WrongGuesses;
  readonly clock: Clock;
}

/** Makes the {@linkcode Logins} of one process; they end with it. */
export function newLogins({ root, tokens, guesses, clock }: LoginsDeps): Logins {
  const logins = new Map<string, Login>();
  const codes = new Map<string, { readonly caller: Caller; readonly expiresAt: number }>();
  let count = 0;

  const newRoot = (): Caller => ({ name: rootName, role: "operator", root: root.current });
  const holds = ({ tokenId, root: given }: Caller) =>
    tokenId === undefined ? given === root.current : tokens.isLive(tokenId);

  const look = (key: string): Login | undefined => {
    const login = logins.get(key);
    if (login === undefined) return undefined;
    if (clock.monotonic() < login.expiresAt && holds(login.caller)) return login;
    logins.delete(key);
    return undefined;
  };
  const makeRoom = ({ tokenId }: Caller) => {
    const own = [...logins].filter(([, { caller }]) => caller.tokenId === tokenId);
    for (const [key] of own.slice(0, Math.max(0, own.length - maxLogins + 1))) logins.delete(key);
  };

  return {
    root: newRoot,
    identify(text, by) {
      if (isSameText(text, root.current.reveal())) return newRoot();
      const token = tokens.find(text);
      if (token === undefined) throw guesses.count(newWrongTokenError(), by === "header" ? text : undefined);
      const { id, name, role, state, expiresAt } = token;
      if (state !== "live") throw newEndedTokenError(state);
      tokens.used(id);
      return { name, role, tokenId: id, expiresAt };
    },
    logIn(caller) {
      makeRoom(caller);
      const key = newKey();
      const nowMs = clock.now();
      logins.set(key, {
        id: ++count,
        caller: { ...caller, login: key },
        at: new Date(nowMs).toISOString(),
        expiresAt: clock.monotonic() + loginMs,
        seenAt: nowMs,
      });
      return key;
    },
    find(key) {
      const login = look(key);
      if (login === undefined) return undefined;
      login.seenAt = clock.now();
      if (login.caller.tokenId !== undefined) tokens.used(login.caller.tokenId);
      return login.caller;
    },
    isLive: (caller) => caller.login === undefined ? holds(caller) : look(caller.login) !== undefined,
    newCode(caller) {
      for (const oldest of codes.keys()) {
        if (codes.size < maxLinks) break;
        codes.delete(oldest);
      }
      const code = newKey();
      codes.set(code, { caller, expiresAt: clock.monotonic() + linkMs });
      return code;
    },
    redeem(code) {
      const found = codes.get(code);
      codes.delete(code);
      if (found === undefined || clock.monotonic() >= found.expiresAt || !holds(found.caller)) return undefined;
      return found.caller;
    },
    list(current) {
      const live = [...logins.keys()].flatMap((key) => look(key) ?? []);
      return live.reverse().map(({ id, caller, at, seenAt }) => ({
        id,
        name: caller.name,
        role: caller.role,
        loggedInAt: at,
        lastSeenAt: new Date(seenAt).toISOString(),
        current: caller.login === current,
      }));
    },
    logOut: (key) => void logins.delete(key),
    end(id) {
      const ended = [...logins].filter(([, login]) => id === undefined || login.id === id);
      for (const [key] of ended) logins.delete(key);
      return ended.length;
    },
  };
}

function newEndedTokenError(state: "expired" | "revoked"): AppError {
  const found = state === "expired" ? "The token has expired" : "The token was revoked";
  return new AppError("denied", `${found}. An operator can make another one: agent token create NAME`, {
    reason: `token_${state}`,
  });
}

function newKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64({ alphabet: "base64url", omitPadding: true });
}
