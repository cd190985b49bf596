import { openStateFile } from "../../src/sdk/state_file.ts";

/** What this bot has sent and learned, on disk, so that neither a crash nor a retry sends a part again. */
export interface Journal extends Disposable {
  /** Provider ids of the parts of the message `key` that Telegram took, from the first one without a gap. */
  sentParts(key: string): readonly string[];
  /** Notes that Telegram took the part `part` of `total`, counted from 0. On disk when it returns. */
  addPart(key: string, part: number, total: number, providerMessageId: string): void;
  /** Provider ids of the message `key`, when all of its parts were taken. */
  findSent(key: string): readonly string[] | undefined;
  /** Where a chat lives now; groups that grow change their id. */
  currentChat(chatId: string): string;
  moveChat(fromId: string, toId: string): void;
}

/** Parts are looked up again at most as long as the runtime keeps a send before it gives up. */
const keepMs = 7 * 86_400_000;

/** Opens the journal in the file `path`. */
export function openJournal(path: string): Journal {
  const file = openStateFile(
    path,
    `CREATE TABLE IF NOT EXISTS parts (
      key TEXT NOT NULL, part INTEGER NOT NULL, total INTEGER NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (key, part)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS parts_at ON parts (at);
    CREATE TABLE IF NOT EXISTS moved (chat TEXT PRIMARY KEY, now TEXT NOT NULL) WITHOUT ROWID, STRICT;`,
  );
  const select = file.prepare("SELECT part, total, id FROM parts WHERE key = ? ORDER BY part");
  const insert = file.prepare("INSERT OR REPLACE INTO parts (key, part, total, id, at) VALUES (?, ?, ?, ?, ?)");
  const sweep = file.newSweep(["parts"], keepMs);
  const selectMoved = file.prepare("SELECT now FROM moved WHERE chat = ?");
  const insertMoved = file.prepare("INSERT OR REPLACE INTO moved (chat, now) VALUES (?, ?)");
  const readParts = (key: string) => select.all(key).filter(({ part }, index) => part === index);
  return {
    sentParts: (key) => readParts(key).map(({ id }) => String(id)),
    addPart(key, part, total, id) {
      sweep();
      insert.run(key, part, total, id, Date.now());
    },
    findSent(key) {
      const rows = readParts(key);
      return rows.length > 0 && rows.length === rows[0]?.total ? rows.map(({ id }) => String(id)) : undefined;
    },
    currentChat: (chatId) => String(selectMoved.get(chatId)?.now ?? chatId),
    moveChat: (fromId, toId) => void insertMoved.run(fromId, toId),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
