import type { Ledger, LedgerReader, Row, SqlValue, Statement } from "../core/ledger.ts";
import type { Actor } from "./audit.ts";

/** Somebody, as one agent knows them on one instance. */
export interface PairingKey {
  readonly agent: string;
  readonly plugin: string;
  readonly instance: string;
  /** The provider's id of the person. */
  readonly sender: string;
}

/**
 * How somebody stands: `pending` has an unused code, `expired` had one. `denied` and `revoked` get no answer and no
 * further code.
 */
export type PairingState = "pending" | "approved" | "denied" | "revoked" | "expired";

/** Somebody who asked to be let in. */
export interface Pairing extends PairingKey {
  readonly id: number;
  /** What they call themselves; may be empty. */
  readonly name: string;
  readonly state: PairingState;
  /** While it can be used. */
  readonly code: string | null;
  /** ISO 8601 UTC: when the newest code was given. */
  readonly askedAt: string;
  /** ISO 8601 UTC: when the newest code ends. */
  readonly expiresAt: string;
  /** ISO 8601 UTC. */
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
}

/** Which people a list means. */
export interface PairingFilter {
  /** Absent: all but those whose code has expired. */
  readonly state?: PairingState | undefined;
  /** Only ids below this, for the next page. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** A code that time has ended is expired, whether or not a sweep has seen it. */
const columns = `id, agent, plugin, instance, sender, name, asked_at, expires_at, decided_at, decided_by,
  CASE WHEN state = 'pending' AND expires_at <= ? THEN 'expired' ELSE state END AS state,
  CASE WHEN state = 'pending' AND expires_at > ? THEN code END AS code`;
const target = `plugin || '.' || instance || ' ' || sender`;

/** How somebody stands at `nowMs`; `undefined` for one who never asked. */
export function readPairing(
  read: LedgerReader,
  { agent, plugin, instance, sender }: PairingKey,
  nowMs: number,
): Pairing | undefined {
  const row = read.get(
    `SELECT ${columns} FROM pairing WHERE agent = ? AND plugin = ? AND instance = ? AND sender = ?`,
    nowMs,
    nowMs,
    agent,
    plugin,
    instance,
    sender,
  );
  return row && toPairing(row);
}

/** Somebody by the number that lists show. */
export function readPairingById(read: LedgerReader, id: number, nowMs: number): Pairing | undefined {
  const row = read.get(`SELECT ${columns} FROM pairing WHERE id = ?`, nowMs, nowMs, id);
  return row && toPairing(row);
}

/** Every code that can be used at `nowMs`. */
export function readCodes(
  read: LedgerReader,
  nowMs: number,
): readonly { readonly id: number; readonly code: string }[] {
  return read.all(`SELECT id, code FROM pairing WHERE state = 'pending' AND expires_at > ?`, nowMs)
    .map(({ id, code }) => ({ id: Number(id), code: String(code) }));
}

/** Which rows stand as each state, at a time that the condition asks for. */
const rowsOf: Readonly<Record<PairingState, readonly { readonly condition: string; readonly asksTime?: true }[]>> = {
  pending: [{ condition: `state = 'pending' AND expires_at > ?`, asksTime: true }],
  approved: [{ condition: `state = 'approved'` }],
  denied: [{ condition: `state = 'denied'` }],
  revoked: [{ condition: `state = 'revoked'` }],
  expired: [{ condition: `state = 'expired'` }, { condition: `state = 'pending' AND expires_at <= ?`, asksTime: true }],
};

/** Those who asked, newest first. A page of each state is read by an index, however many there are of another. */
export async function listPairings(
  ledger: Pick<Ledger, "query">,
  { state, before, limit }: PairingFilter,
  nowMs: number,
  signal: AbortSignal,
): Promise<readonly Pairing[]> {
  const wanted = (state === undefined ? states.filter((one) => one !== "expired") : [state]).flatMap((one) =>
    rowsOf[one]
  );
  const pages = wanted.map(({ condition }) =>
    `SELECT * FROM (SELECT id AS found FROM pairing WHERE ${condition} AND id < ? ORDER BY id DESC LIMIT ?)`
  );
  const pageValues = wanted.flatMap(({ asksTime }) => [
    ...asksTime === undefined ? [] : [nowMs],
    before ?? Number.MAX_SAFE_INTEGER,
    limit,
  ]);
  const sql = `SELECT ${columns} FROM (${
    pages.join(" UNION ALL ")
  }) JOIN pairing ON id = found ORDER BY id DESC LIMIT ?`;
  return (await ledger.query({ sql, values: [nowMs, nowMs, ...pageValues, limit] }, signal)).map(toPairing);
}

/** Gives somebody a code who has none and about whom nobody has decided. */
export function giveCode(
  { agent, plugin, instance, sender }: PairingKey,
  { name, code }: { readonly name: string; readonly code: string },
  nowMs: number,
  expiresAtMs: number,
): Statement {
  return {
    sql: `INSERT INTO pairing (agent, plugin, instance, sender, name, state, code, asked_at, expires_at)
      VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?)
      ON CONFLICT (agent, plugin, instance, sender) DO UPDATE SET name = excluded.name, state = 'pending',
        code = excluded.code, asked_at = excluded.asked_at, expires_at = excluded.expires_at,
        decided_at = NULL, decided_by = NULL
      WHERE state = 'expired'`,
    values: [agent, plugin, instance, sender, name, code, nowMs, expiresAtMs],
  };
}

/**
 * Decides about somebody who stands as one of `from`, and writes down who did it. One unit: gives back the row in the
 * second statement, or nothing where they stand otherwise.
 */
export function decidePairing(
  id: number,
  { from, to, actor }: { readonly from: readonly PairingState[]; readonly to: PairingState; readonly actor: Actor },
  nowMs: number,
): readonly Statement[] {
  const condition = `id = ? AND state IN (SELECT value FROM json_each(?)) AND (state <> 'pending' OR expires_at > ?)`;
  const which = [id, JSON.stringify(from), nowMs];
  return [
    {
      sql: `INSERT INTO audit (at, actor, action, agent, target)
        SELECT ?, ?, ?, agent, ${target} FROM pairing WHERE ${condition}`,
      values: [nowMs, actor, `pairing.${to}`, ...which],
    },
    {
      sql: `UPDATE pairing SET state = ?, code = NULL, decided_at = ?, decided_by = ? WHERE ${condition} RETURNING id`,
      values: [to, nowMs, actor, ...which],
      returning: true,
    },
  ];
}

/** Whether a code has ended at `nowMs` that nobody has ended yet, or somebody is to be forgotten whose code ended before `beforeMs`. */
export function isSweepDue(read: LedgerReader, nowMs: number, beforeMs: number): boolean {
  return read.get(
    `SELECT 1 FROM pairing WHERE (state = 'pending' AND expires_at <= ?) OR (state = 'expired' AND expires_at < ?) LIMIT 1`,
    nowMs,
    beforeMs,
  ) !== undefined;
}

/** Ends the codes whose time is over. Gives back plugin and instance of each in the second statement. */
export function expireCodes(nowMs: number): readonly Statement[] {
  return [
    {
      sql: `INSERT INTO audit (at, actor, action, agent, target)
        SELECT ?, 'clock', 'pairing.expired', agent, ${target} FROM pairing
        WHERE state = 'pending' AND expires_at <= ?`,
      values: [nowMs, nowMs],
    },
    {
      sql: `UPDATE pairing SET state = 'expired', code = NULL, decided_at = ?, decided_by = 'clock'
        WHERE state = 'pending' AND expires_at <= ? RETURNING plugin, instance`,
      values: [nowMs, nowMs],
      returning: true,
    },
  ];
}

/** Forgets those whose last code ended before `beforeMs`. */
export function forgetExpired(beforeMs: number): Statement {
  return { sql: `DELETE FROM pairing WHERE state = 'expired' AND expires_at < ?`, values: [beforeMs] };
}

/** One line that names somebody, as the audit has it. */
export function toPairingTarget({ plugin, instance, sender }: PairingKey): string {
  return `${plugin}.${instance} ${sender}`;
}

const states: readonly PairingState[] = ["pending", "approved", "denied", "revoked", "expired"];

function toPairing(row: Row): Pairing {
  return {
    id: Number(row.id),
    agent: String(row.agent),
    plugin: String(row.plugin),
    instance: String(row.instance),
    sender: String(row.sender),
    name: String(row.name),
    // What cannot be read lets nobody in.
    state: states.find((state) => state === row.state) ?? "denied",
    code: typeof row.code === "string" ? row.code : null,
    askedAt: toIso(row.asked_at),
    expiresAt: toIso(row.expires_at),
    decidedAt: row.decided_at === null ? null : toIso(row.decided_at),
    decidedBy: typeof row.decided_by === "string" ? row.decided_by : null,
  };
}

function toIso(value: SqlValue | undefined): string {
  return new Date(Number(value)).toISOString();
}
