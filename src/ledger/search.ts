import type { Ledger, Row, SqlValue, Statement } from "../core/ledger.ts";
import type { TranscriptEntry } from "../core/transcript.ts";

/** What a search looks for, and where. All given conditions hold together. */
export interface MessageSearch {
  /** What people type: words, all of which an entry must hold, each whole or its beginning. */
  readonly words: string;
  readonly agent?: string | undefined;
  /**
   * This session, and where a person is named the sessions in which nobody but this person was ever heard. Absent: all.
   */
  readonly within?: { readonly sessionId: string; readonly person?: string | undefined } | undefined;
  readonly limit: number;
}

/** An entry of a transcript that holds what was looked for. */
export interface MessageHit {
  readonly id: number;
  readonly sessionId: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly role: TranscriptEntry["role"];
  readonly author: string | null;
  /** The words around the first one that was looked for, at most {@linkcode excerptChars}. */
  readonly text: string;
  /** It holds something that strangers to the session wrote. */
  readonly untrusted: boolean;
}

/** Longest excerpt, characters. */
const excerptChars = 400;
const leadChars = 120;
/** Words of a search beyond these are not looked for. */
const wordBound = 16;
const wordChars = 64;

/** Finds entries of transcripts, best first. Whatever is asked for is words, never syntax of the index. */
export async function searchMessages(
  ledger: Pick<Ledger, "query">,
  { words, agent, within, limit }: MessageSearch,
  signal: AbortSignal,
): Promise<readonly MessageHit[]> {
  const match = toMatch(words);
  if (match === undefined) return [];
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  if (agent !== undefined) {
    conditions.push("AND m.agent = ?");
    values.push(agent);
  }
  if (within !== undefined) {
    conditions.push(`AND (m.session_id = ? OR m.session_id IN
      (SELECT session_id FROM session_people AS mine WHERE person = ? AND NOT EXISTS
        (SELECT 1 FROM session_people AS other WHERE other.session_id = mine.session_id AND other.person <> mine.person)))`);
    values.push(within.sessionId, within.person ?? null);
  }
  const statement: Statement = {
    sql: `SELECT m.id, m.session_id, m.at, m.role, json_extract(m.body, '$.sender') AS sender,
        json_extract(m.body, '$.untrusted') AS untrusted,
        substr(t.text, max(1, instr(lower(t.text), ?) - ${leadChars}), ${excerptChars}) AS excerpt
      FROM message_search JOIN messages m ON m.id = message_search.rowid JOIN message_texts t ON t.id = m.id
      WHERE message_search MATCH ? ${conditions.join(" ")} ORDER BY message_search.rank LIMIT ?`,
    values: [firstWord(words), match, ...values, limit],
  };
  return (await ledger.query(statement, signal)).map(toHit);
}

/** The words of a search as FTS5 takes them, each in quotes; `undefined` where there is none. */
export function toMatch(words: string): string | undefined {
  const found = toWords(words);
  return found.length === 0 ? undefined : found.map((word) => `"${word}"*`).join(" ");
}

/** Cut as the index cuts texts: letters and digits make words, all else lies between them. */
function toWords(text: string): readonly string[] {
  return (text.match(/[\p{L}\p{N}\p{Co}\u0300-\u036f]+/gu) ?? []).slice(0, wordBound)
    .map((word) => word.slice(0, wordChars));
}

function firstWord(words: string): string {
  return (toWords(words)[0] ?? "").toLowerCase();
}

function toHit(row: Row): MessageHit {
  const { role } = row;
  return {
    id: Number(row.id),
    sessionId: String(row.session_id),
    at: new Date(Number(row.at)).toISOString(),
    role: role === "user" || role === "assistant" || role === "tool" ? role : "note",
    author: typeof row.sender === "string" ? row.sender : null,
    text: String(row.excerpt),
    untrusted: row.untrusted === 1,
  };
}
