import type { Ledger } from "../core/ledger.ts";

/** A conversation that a channel instance has had. */
export interface Conversation {
  readonly conversation: string;
  readonly thread: string | null;
  readonly title: string;
  /** ISO 8601 UTC, of the newest message. */
  readonly lastAt: string;
}

/** Conversations of a channel instance whose id or title holds `search`, newest first. */
export async function listConversations(
  ledger: Pick<Ledger, "query">,
  { plugin, instance, search, limit }: {
    readonly plugin: string;
    readonly instance: string;
    readonly search: string;
    readonly limit: number;
  },
  signal: AbortSignal,
): Promise<readonly Conversation[]> {
  const rows = await ledger.query({
    sql: `SELECT conversation, thread, title, max(last_at) AS last_at FROM sessions
      WHERE plugin = ? AND instance = ? AND (instr(lower(conversation), ?) > 0 OR instr(lower(title), ?) > 0)
      GROUP BY conversation, thread ORDER BY last_at DESC LIMIT ?`,
    values: [plugin, instance, search.toLowerCase(), search.toLowerCase(), limit],
  }, signal);
  return rows.map((row) => ({
    conversation: String(row.conversation),
    thread: typeof row.thread === "string" ? row.thread : null,
    title: String(row.title),
    lastAt: new Date(Number(row.last_at)).toISOString(),
  }));
}
