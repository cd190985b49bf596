import { AppError } from "../core/error.ts";
import type { Page, PageRequest } from "../http/page_api.ts";
import {
  type ExportFormat,
  type MessageHit,
  messageHitsSchema,
  messagesAnswerSchema,
  type MessageSearch,
  type MessageView,
  type SessionFilter,
  sessionsAnswerSchema,
  type SessionView,
} from "../http/sessions_api.ts";
import { newHistory } from "../ledger/history.ts";
import { type AdminClient, findRunning } from "./admin_client.ts";
import { newInk } from "./ink.ts";
import { requireLedgerFile } from "./ledger_file.ts";
import { type DataDirFlag, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { toJsonText } from "./say.ts";
import { formatHits, formatSessions, formatTranscript } from "./session_page.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of every `agent sessions` command. */
export interface SessionFlags extends DataDirFlag {
  readonly limit: number;
  readonly before?: string;
  readonly json: boolean;
}

/** `agent sessions list`. */
export async function listSessions(
  terminal: Terminal,
  flags: SessionFlags & { readonly agent?: string; readonly search?: string },
): Promise<number> {
  const { agent, search, before, limit } = flags;
  const page = await (await findDesk(terminal, flags)).list({ agent, search, before, limit });
  terminal.print(flags.json ? toJsonText(page) : formatSessions(page, Date.now(), newInk(terminal.color)));
  return 0;
}

/** `agent sessions show SESSION`: its transcript. */
export async function showSession(terminal: Terminal, flags: SessionFlags, session: string): Promise<number> {
  const { before, limit } = flags;
  const page = await (await findDesk(terminal, flags)).messages(session, { before, limit });
  if (page.items.length === 0 && before === undefined) {
    throw new AppError("missing", `There is no session ${toPlain(session)}. See: agent sessions list`);
  }
  terminal.print(flags.json ? toJsonText(page) : formatTranscript(session, page, newInk(terminal.color)));
  return 0;
}

/** `agent sessions search WORDS`: entries of transcripts, best first. */
export async function searchSessions(
  terminal: Terminal,
  flags: DataDirFlag & { readonly agent?: string; readonly limit: number; readonly json: boolean },
  ...words: readonly string[]
): Promise<number> {
  const { agent, limit } = flags;
  const items = await (await findDesk(terminal, flags)).search({ words: words.join(" "), agent, limit });
  terminal.print(flags.json ? toJsonText({ items }) : formatHits(items, newInk(terminal.color)));
  return 0;
}

/** `agent sessions export SESSION`: a whole transcript on standard output. */
export async function exportSession(
  terminal: Terminal,
  flags: DataDirFlag & { readonly format: ExportFormat },
  session: string,
): Promise<number> {
  const pieces = (await findDesk(terminal, flags)).export(session, flags.format);
  for await (const piece of pieces) terminal.print(piece);
  return 0;
}

interface SessionDesk {
  list(filter: SessionFilter): Promise<Page<SessionView>>;
  messages(session: string, page: PageRequest): Promise<Page<MessageView>>;
  search(search: MessageSearch): Promise<readonly MessageHit[]>;
  export(session: string, format: ExportFormat): AsyncIterable<string>;
}

async function findDesk(terminal: Terminal, flags: DataDirFlag): Promise<SessionDesk> {
  const dataDir = toDataDir(flags, terminal.env);
  const running = await findRunning(dataDir, terminal.env);
  return running === undefined ? newLocalDesk(dataDir) : newRemoteDesk(running.admin);
}

function newRemoteDesk(admin: AdminClient): SessionDesk {
  return {
    list: (filter) => admin.get("/api/sessions", filter, sessionsAnswerSchema),
    messages: (session, page) =>
      admin.get(`/api/sessions/${encodeURIComponent(session)}/messages`, page, messagesAnswerSchema),
    search: async (search) => (await admin.get("/api/sessions/search", { ...search }, messageHitsSchema)).items,
    async *export(session, format) {
      const bytes = admin.follow(`/api/sessions/${encodeURIComponent(session)}/export`, { format });
      const decoder = new TextDecoder();
      for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    },
  };
}

/** Longest look into the ledger. */
const queryMs = 15_000;

function newLocalDesk(dataDir: string): SessionDesk {
  return {
    async list(filter) {
      using ledger = await requireLedgerFile(dataDir);
      return await newHistory(ledger).sessions(filter, AbortSignal.timeout(queryMs));
    },
    async messages(session, page) {
      using ledger = await requireLedgerFile(dataDir);
      return await newHistory(ledger).messages(session, page, AbortSignal.timeout(queryMs));
    },
    async search(search) {
      using ledger = await requireLedgerFile(dataDir);
      return await newHistory(ledger).search(search, AbortSignal.timeout(queryMs));
    },
    async *export(session, format) {
      using ledger = await requireLedgerFile(dataDir);
      yield* newHistory(ledger).export(session, format, new AbortController().signal);
    },
  };
}
