import type { Ledger, Row, Statement } from "../core/ledger.ts";

/**
 * Who did something: the name of a token; of the root token `root` in a browser, `cli` or `api`; or the process itself,
 * as `gate` and `clock`.
 */
export type Actor = string;

/** One thing that was done. */
export interface AuditEntry {
  readonly actor: Actor;
  /** Such as `pairing.approved`. */
  readonly action: string;
  readonly agent?: string | undefined;
  /** What it was done to, in one line. */
  readonly target: string;
}

/** An {@linkcode AuditEntry} as lists show it. */
export interface AuditRow {
  readonly id: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly agent: string | null;
  readonly target: string;
}

const maxTargetLength = 1_000;

/** Writes down who did what. */
export function writeAudit({ actor, action, agent, target }: AuditEntry, nowMs: number): Statement {
  return {
    sql: `INSERT INTO audit (at, actor, action, agent, target) VALUES (?, ?, ?, ?, ?)`,
    values: [nowMs, actor, action, agent ?? null, target.slice(0, maxTargetLength)],
  };
}

/** What was done, newest first; only entries below `before` where it is given. */
export async function listAudit(
  ledger: Pick<Ledger, "query">,
  { before, limit }: { readonly before?: number | undefined; readonly limit: number },
  signal: AbortSignal,
): Promise<readonly AuditRow[]> {
  const sql = `SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?`;
  return (await ledger.query({ sql, values: [before ?? Number.MAX_SAFE_INTEGER, limit] }, signal)).map(toAuditRow);
}

/** Takes away at most `limit` entries older than `beforeMs`. */
export function sweepAudit(beforeMs: number, limit: number): Statement {
  return {
    sql: `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)`,
    values: [beforeMs, limit],
  };
}

function toAuditRow(row: Row): AuditRow {
  return {
    id: Number(row.id),
    at: new Date(Number(row.at)).toISOString(),
    actor: String(row.actor),
    action: String(row.action),
    agent: typeof row.agent === "string" ? row.agent : null,
    target: String(row.target),
  };
}
