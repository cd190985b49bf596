import type { Ledger, Row } from "../core/ledger.ts";
import { isOpen } from "./dead.ts";
import { findNewest } from "./search.ts";

/** What somebody may hold in hand of a message. */
export type FoundBy = "turn" | "received" | "sent" | "conversation" | "dead letter" | "words";

/** What is known of a message that somebody looks for. */
export interface Found {
  readonly by: FoundBy;
  /** ISO 8601 UTC. */
  readonly at: string;
  /** How it stands: an outcome of a turn, a state of a queue, or why it was refused; `null` for what has none. */
  readonly state: string | null;
  /** Such as `telegram.sales`. */
  readonly channel: string | null;
  /** Its beginning; may be empty. */
  readonly text: string;
  readonly turnId: string | null;
  readonly sessionId: string | null;
  /** The open dead letter that tells why it ended. */
  readonly deadLetterId: number | null;
}

const maxFound = 20;
const maxText = 200;

const letterOf = (event: string) => `(SELECT max(id) FROM dead WHERE event_id = ${event} AND ${isOpen})`;

/**
 * Finds a message by whatever is known of it: id of its turn, provider's id of what came in or went out, id of its event,
 * key, conversation; newest first. Where it is none of these its words are looked for.
 */
export async function findMessage(
  ledger: Pick<Ledger, "query">,
  { text, consumers }: {
    readonly text: string;
    /** Every durable consumer: the index of events begins with it. */
    readonly consumers: readonly string[];
  },
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const ask = async (by: FoundBy, sql: string, ...values: string[]) =>
    (await ledger.query({ sql: `${sql} ORDER BY at DESC LIMIT ${maxFound}`, values }, signal))
      .map((row) => toFound(by, row));
  const known = (await Promise.all([
    ask(
      "turn",
      `SELECT id AS turn_id, session_id, coalesce(outcome, state) AS state, received_at AS at FROM turns WHERE id = ?`,
      text,
    ),
    ask(
      "received",
      `SELECT i.plugin, i.instance, coalesce(i.outcome, i.state) AS state, i.turn_id, t.session_id, i.received_at AS at,
        json_extract(i.event, '$.payload.message.text') AS text, ${letterOf("i.event_id")} AS letter
        FROM inbox i LEFT JOIN turns t ON t.id = i.turn_id
        WHERE i.provider_id = ? OR (i.consumer IN (SELECT value FROM json_each(?)) AND i.event_id = ?)`,
      text,
      JSON.stringify(consumers),
      text,
    ),
    ask(
      "sent",
      `SELECT plugin, instance, state, turn_id, session_id, created_at AS at, json_extract(body, '$.text') AS text,
        ${letterOf("key")} AS letter FROM outbox
        WHERE key = ? OR id IN (SELECT outbox_id FROM sent_ids WHERE provider_id = ?)`,
      text,
      text,
    ),
    ask(
      "dead letter",
      `SELECT id AS letter, session_id, coalesce(reason, kind) AS state, at, message AS text FROM dead
        WHERE event_id = ? AND ${isOpen}`,
      text,
    ),
    ask(
      "conversation",
      `SELECT id AS session_id, plugin, instance, last_at AS at, title AS text FROM sessions
        WHERE id = ? OR conversation = ?`,
      text,
      text,
    ),
  ])).flat();
  if (known.length > 0) return withoutRepeats(known);
  return await ask(
    "words",
    `SELECT m.turn_id, m.session_id, m.at, x.text, coalesce(t.outcome, t.state) AS state
      FROM messages m JOIN message_texts x ON x.id = m.id LEFT JOIN turns t ON t.id = m.turn_id
      WHERE m.id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(await findNewest(ledger, text, maxFound, signal)),
  );
}

/** One row for a turn or letter that several of its ids lead to: the first says most. */
function withoutRepeats(found: readonly Found[]): readonly Found[] {
  const seen = new Set<string>();
  return found.filter(({ turnId, sessionId, deadLetterId }) => {
    const key = turnId ?? (deadLetterId === null ? `session ${sessionId}` : `letter ${deadLetterId}`);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function toFound(by: FoundBy, row: Row): Found {
  const textOf = (value: Row[string] | undefined) => typeof value === "string" && value !== "" ? value : null;
  return {
    by,
    at: new Date(Number(row.at)).toISOString(),
    state: textOf(row.state),
    channel: typeof row.plugin === "string" ? `${row.plugin}.${row.instance}` : null,
    text: (textOf(row.text) ?? "").slice(0, maxText),
    turnId: textOf(row.turn_id),
    sessionId: textOf(row.session_id),
    deadLetterId: typeof row.letter === "number" ? row.letter : null,
  };
}
