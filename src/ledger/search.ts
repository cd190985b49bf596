import type { Ledger, Row, SqlValue } from "../core/ledger.ts";
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

/** Entries that are held against each other; more than these hold words that tell none of them from the others. */
const maxRanked = 5_000;

/**
 * Finds entries of transcripts, best first; where very many hold the words, newest first. Whatever is asked for is words,
 * never syntax of the index.
 */
export async function searchMessages(
  ledger: Pick<Ledger, "query">,
  { words, agent, within, limit }: MessageSearch,
  signal: AbortSignal,
): Promise<readonly MessageHit[]> {
  const match = toMatch(words);
  if (match === undefined) return [];
  const conditions = [
    ...agent === undefined ? [] : ["m.agent = ?"],
    ...within === undefined ? [] : [`(m.session_id = ? OR m.session_id IN
      (SELECT session_id FROM session_people AS mine WHERE person = ? AND NOT EXISTS
        (SELECT 1 FROM session_people AS other WHERE other.session_id = mine.session_id AND other.person <> mine.person)))`],
  ].join(" AND ") || "TRUE";
  const values: readonly SqlValue[] = [
    ...agent === undefined ? [] : [agent],
    ...within === undefined ? [] : [within.sessionId, within.person ?? null],
  ];
  const ask = async (hits: string, order: string, ...given: readonly SqlValue[]) => {
    const sql = `SELECT m.id, m.session_id, m.at, m.role, json_extract(m.body, '$.sender') AS sender,
        json_extract(m.body, '$.untrusted') AS untrusted,
        substr(t.text, max(1, instr(lower(t.text), ?) - ${leadChars}), ${excerptChars}) AS excerpt
      FROM ${hits} ORDER BY ${order} LIMIT ?`;
    return (await ledger.query({ sql, values: [firstWord(words), ...given, limit] }, signal)).map(toHit);
  };
  const texts = "JOIN message_texts t ON t.id = m.id";

  const newest = await findNewest(ledger, words, maxRanked + 1, signal);
  if (newest.length <= maxRanked) {
    const hits = `message_search JOIN messages m ON m.id = message_search.rowid ${texts}
      WHERE message_search MATCH ? AND ${conditions}`;
    return await ask(hits, "message_search.rank", match, ...values);
  }
  // The order is ours: to go through all that an agent ever said would cost what is to be saved.
  const among = `json_each(?) AS hit CROSS JOIN messages m ON m.id = hit.value ${texts} WHERE ${conditions}`;
  const found = await ask(among, "m.id DESC", JSON.stringify(newest), ...values);
  if (found.length === limit || conditions === "TRUE") return found;
  // Those that are meant are few: the index is gone through for them alone.
  const all = `(SELECT rowid AS id FROM message_search WHERE message_search MATCH ?
        AND +rowid IN (SELECT m.id FROM messages m WHERE ${conditions}) ORDER BY rowid DESC LIMIT ${maxRanked}) AS hit
      JOIN messages m ON m.id = hit.id ${texts}`;
  return await ask(all, "m.id DESC", match, ...values);
}

/**
 * Ids of the newest `limit` entries that hold the words, newest first: whole words where so many hold them, else their
 * beginnings too. To find beginnings the index gathers all that begin so before it gives one; whole words it gives as it
 * goes, so that a word that stands in a million entries costs no more than another.
 */
export async function findNewest(
  ledger: Pick<Ledger, "query">,
  words: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const whole = toWords(words).map((word) => `"${word}"`).join(" ");
  const match = toMatch(words);
  if (match === undefined) return [];
  const ask = async (wanted: string) => {
    const sql = `SELECT rowid AS id FROM message_search WHERE message_search MATCH ? ORDER BY rowid DESC LIMIT ?`;
    return (await ledger.query({ sql, values: [wanted, limit] }, signal)).map(({ id }) => Number(id));
  };
  const found = await ask(whole);
  return found.length === limit ? found : await ask(match);
}

/** The words of a search as FTS5 takes them, each in quotes, or its beginning; `undefined` where there is none. */
function toMatch(words: string): string | undefined {
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
