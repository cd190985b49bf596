import { reservedNames } from "../core/access.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Tokens } from "../http/tokens.ts";
import type { TokenView } from "../http/tokens_api.ts";
import {
  countTokens,
  insertToken,
  listTokens,
  markTokenUsed,
  readToken,
  readTokenByHash,
  revokeToken,
  type Token,
  toTokenHash,
} from "../ledger/tokens.ts";

/** Tokens that are taken at the same time: people and programs, not requests. */
const maxTokens = 200;
/** How exactly it is known when a token was last used. */
const usedEveryMs = 600_000;

/** Tokens as they stand at `nowMs`, newest first. */
export async function listTokenViews(
  ledger: Pick<Ledger, "query">,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly TokenView[]> {
  return (await listTokens(ledger, signal)).map((token) => toView(token, nowMs));
}

/** Makes the {@linkcode Tokens} of a ledger. */
export function newTokens(
  { ledger, log, clock }: {
    readonly ledger: Pick<Ledger, "commit" | "query" | "read">;
    readonly log: Log;
    readonly clock: Clock;
  },
): Tokens {
  const usedAtMs = new Map<number, number>();

  const requireToken = (id: number): Token => {
    const token = readToken(ledger.read, id);
    if (token !== undefined) return token;
    throw new AppError("missing", `There is no token ${id}. See: agent token list`, { reason: "unknown_token" });
  };

  async function writeUse(id: number, nowMs: number): Promise<void> {
    try {
      await ledger.commit([markTokenUsed(id, nowMs)]);
    } catch (thrown) {
      log.warn("token.use_not_written", { id, error: toAppError(thrown).message });
    }
  }

  return {
    find(text) {
      const token = readTokenByHash(ledger.read, toTokenHash(text));
      return token && toView(token, clock.now());
    },
    isLive(id) {
      const token = readToken(ledger.read, id);
      return token !== undefined && toState(token, clock.now()) === "live";
    },
    list: (signal) => listTokenViews(ledger, clock.now(), signal),
    async create({ name, role, expiresInMs }, actor) {
      const nowMs = clock.now();
      if (reservedNames.includes(name.toLowerCase())) {
        throw new AppError("invalid", `"${name}" means somebody else in the audit. Choose another name`, {
          reason: "reserved_name",
        });
      }
      if (countTokens(ledger.read, nowMs) >= maxTokens) {
        throw new AppError("conflict", `There are ${maxTokens} tokens already. Revoke one: agent token revoke ID`, {
          reason: "too_many_tokens",
        });
      }
      const text = newTokenText();
      const token = { name, role, hash: toTokenHash(text), createdBy: actor, expiresAtMs: nowMs + expiresInMs };
      try {
        const [, [row] = []] = await ledger.commit(insertToken(token, nowMs));
        return { ...toView(requireToken(Number(row?.id)), nowMs), text };
      } catch (thrown) {
        if (toAppError(thrown).kind !== "conflict") throw thrown;
        throw new AppError("conflict", `There is a token "${name}" already. Revoke it, or choose another name`, {
          reason: "token_name_taken",
        });
      }
    },
    async revoke(id, actor) {
      const [, revoked = []] = await ledger.commit(revokeToken(id, actor, clock.now()));
      const token = requireToken(id);
      if (revoked.length > 0) return toView(token, clock.now());
      throw new AppError("conflict", `Token ${id} (${token.name}) was revoked before`, { reason: "already_revoked" });
    },
    used(id) {
      const nowMs = clock.now();
      if (nowMs - (usedAtMs.get(id) ?? 0) < usedEveryMs) return;
      usedAtMs.set(id, nowMs);
      void writeUse(id, nowMs);
    },
  };
}

function toView(token: Token, nowMs: number): TokenView {
  return { ...token, state: toState(token, nowMs) };
}

function toState({ expiresAt, revokedAt }: Token, nowMs: number): TokenView["state"] {
  if (revokedAt !== null) return "revoked";
  return Date.parse(expiresAt) > nowMs ? "live" : "expired";
}

/** 256 random bits, marked as ours, so that logs and other people's scanners know it. */
function newTokenText(): string {
  const random = crypto.getRandomValues(new Uint8Array(32));
  return `nexo_${random.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}
