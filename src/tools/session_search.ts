import { newTextResult, type Tool } from "../core/tool.ts";

/** Where a search of an agent's transcripts looks. */
export interface SearchScope {
  /** This session, and those with nobody but this person. Absent: every session of the agent. */
  readonly within?: { readonly sessionId: string; readonly person?: string | undefined };
}

/** What the tool is told about an entry that holds the words. */
export interface FoundEntry {
  readonly sessionId: string;
  readonly at: string;
  readonly role: string;
  readonly author: string | null;
  readonly text: string;
  readonly untrusted: boolean;
}

/** What {@linkcode newSessionSearchTool} uses. */
export interface SessionSearchDeps {
  search(
    search: SearchScope & { readonly agent: string; readonly words: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<readonly FoundEntry[]>;
  /** Whether the agent's config opens all of its sessions to the search. */
  searchesAll(agent: string): boolean;
}

const hitBound = 20;
const defaultHits = 8;

/**
 * Makes the tool with which an agent looks up what was said. The agent is the one that asks, whatever the input says.
 * Where others read the answer, or nobody vouches for who asks, it finds only what was said here.
 */
export function newSessionSearchTool({ search, searchesAll }: SessionSearchDeps): Tool {
  return {
    name: "session_search",
    description: "Finds what was said earlier, here and in other conversations with the same person, by words.",
    inputSchema: {
      type: "object",
      properties: {
        query: { type: "string", minLength: 1, maxLength: 500, description: "Words that stand in one message" },
        limit: { type: "integer", minimum: 1, maximum: hitBound, description: `How many, ${defaultHits} by default` },
      },
      required: ["query"],
      additionalProperties: false,
    },
    effect: "none",
    parallelSafe: true,
    harmless: true,
    async run(input, { agent, sessionId, isGroup, person, signal }) {
      // The input was checked against the schema above before run() is called.
      const { query: words, limit = defaultHits } = input as { query: string; limit?: number };
      const all = searchesAll(agent);
      const scope = all ? {} : { within: { sessionId, person: isGroup ? undefined : person } };
      const hits = await search({ agent, words, limit, ...scope }, signal);
      if (hits.length === 0) return newTextResult("Nothing was found. Try fewer words, or other ones.");
      const value = hits.map(({ sessionId: session, at, role, author, text }) => ({
        session,
        at,
        role,
        ...(author === null ? {} : { author }),
        text,
      }));
      return {
        content: [{ type: "json", value }],
        ...(all || hits.some(({ untrusted }) => untrusted) ? { untrusted: true } : {}),
      };
    },
  };
}
