import { createHash } from "node:crypto";
import type { Role } from "../core/access.ts";
import type { Ledger, LedgerReader, Row, SqlValue, Statement } from "../core/ledger.ts";
import { type Actor, writeAudit } from "./audit.ts";

/** A token beside the root token. Its text is nowhere: only its hash is kept. */
export interface Token {
  readonly id: number;
  /** As the audit names whoever holds it. */
  readonly name: string;
  readonly role: Role;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly createdBy: string;
  /** ISO 8601 UTC: from then on it is not taken. */
  readonly expiresAt: string;
  /** ISO 8601 UTC, to within some minutes. */
  readonly lastUsedAt: string | null;
  /** ISO 8601 UTC. */
  readonly revokedAt: string | null;
}

/** What is known of a token before it is there. */
export interface NewToken {
  readonly name: string;
  readonly role: Role;
  /** From {@linkcode toTokenHash}. */
  readonly hash: string;
  readonly createdBy: Actor;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** SHA-256 of a token's text. A token has 256 random bits, so that its hash need not be a slow one. */
export function toTokenHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The token with this hash, whether or not it is still taken. */
export function readTokenByHash(read: LedgerReader, hash: string): Token | undefined {
  const row = read.get(`SELECT * FROM tokens WHERE hash = ?`, hash);
  return row && toToken(row);
}

/** A token by its number, whether or not it is still taken. */
export function readToken(read: LedgerReader, id: number): Token | undefined {
  const row = read.get(`SELECT * FROM tokens WHERE id = ?`, id);
  return row && toToken(row);
}

/** How many tokens are taken at `nowMs`. */
export function countTokens(read: LedgerReader, nowMs: number): number {
  const sql = `SELECT count(*) AS count FROM tokens WHERE revoked_at IS NULL AND expires_at > ?`;
  return Number(read.get(sql, nowMs)?.count);
}

/** Tokens, newest first; those that are not taken any more too, until they are swept. */
export async function listTokens(ledger: Pick<Ledger, "query">, signal: AbortSignal): Promise<readonly Token[]> {
  const sql = `SELECT * FROM tokens ORDER BY id DESC LIMIT 1000`;
  return (await ledger.query({ sql, values: [] }, signal)).map(toToken);
}

/**
 * Adds a token, and writes down who did it. One unit: gives back its number in the second statement. Breaks a constraint
 * where another one of this name is taken; one that has expired lets its name go.
 */
export function insertToken(token: NewToken, nowMs: number): readonly Statement[] {
  const { name, role, hash, createdBy, expiresAtMs } = token;
  return [
    {
      sql: `UPDATE tokens SET revoked_at = expires_at WHERE name = ? AND revoked_at IS NULL AND expires_at <= ?`,
      values: [name, nowMs],
    },
    {
      sql: `INSERT INTO tokens (name, role, hash, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?)
        RETURNING id`,
      values: [name, role, hash, nowMs, createdBy, expiresAtMs],
      returning: true,
    },
    writeAudit({ actor: createdBy, action: "token.created", target: `${name}, ${role}` }, nowMs),
  ];
}

/** Writes down that a token was used. */
export function markTokenUsed(id: number, nowMs: number): Statement {
  return { sql: `UPDATE tokens SET last_used_at = ? WHERE id = ?`, values: [nowMs, id] };
}

/** Ends a token, and writes down who did it. One unit: gives back its number in the second statement, or nothing where it had ended. */
export function revokeToken(id: number, actor: Actor, nowMs: number): readonly Statement[] {
  const condition = `id = ? AND revoked_at IS NULL`;
  return [
    {
      sql: `INSERT INTO audit (at, actor, action, agent, target)
        SELECT ?, ?, 'token.revoked', NULL, name || ', ' || role FROM tokens WHERE ${condition}`,
      values: [nowMs, actor, id],
    },
    { sql: `UPDATE tokens SET revoked_at = ? WHERE ${condition} RETURNING id`, values: [nowMs, id], returning: true },
  ];
}

/** Takes away at most `limit` tokens that ended before `beforeMs`. */
export function sweepTokens(beforeMs: number, limit: number): Statement {
  return {
    sql: `DELETE FROM tokens WHERE id IN
      (SELECT id FROM tokens WHERE min(expires_at, coalesce(revoked_at, expires_at)) < ? LIMIT ?)`,
    values: [beforeMs, limit],
  };
}

function toToken(row: Row): Token {
  return {
    id: Number(row.id),
    name: String(row.name),
    // What cannot be read may change nothing.
    role: row.role === "operator" ? "operator" : "viewer",
    createdAt: toIso(row.created_at),
    createdBy: String(row.created_by),
    expiresAt: toIso(row.expires_at),
    lastUsedAt: row.last_used_at === null ? null : toIso(row.last_used_at),
    revokedAt: row.revoked_at === null ? null : toIso(row.revoked_at),
  };
}

function toIso(value: SqlValue | undefined): string {
  return new Date(Number(value)).toISOString();
}
