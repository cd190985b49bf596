import { DatabaseSync } from "node:sqlite";

/** One part of a message that is sent. */
export interface SentPart {
  /** Id of the message that is sent in parts. */
  readonly key: string;
  /** Counted from 0. */
  readonly part: number;
  readonly id: string;
  /** As it goes out. */
  readonly text: string;
}

/** What this account has sent and learned, on disk. */
export interface Journal extends Disposable {
  /** Notes a part that is about to be sent. On disk when it returns. */
  begin(part: SentPart): void;
  /** Notes that WhatsApp took it. */
  taken(part: SentPart): void;
  isTaken(part: SentPart): boolean;
  /** Text of the sent message `id`: a device that could not decrypt it asks again. */
  findText(id: string): string | undefined;
  /**
   * The name under which a chat between two was first met. People have a phone number and a hidden number (LID), and
   * either may be the address of a message; their conversation is one.
   */
  toConversation(jid: string, otherJid: string | undefined): string;
}

/** Longer than the runtime tries to send, and than devices ask again. */
const keepMs = 3 * 86_400_000;
/** Notes between two sweeps of what is older. */
const sweepEvery = 1_000;

/** Opens the journal in the file `path`. */
export function openJournal(path: string): Journal {
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 2000;
    CREATE TABLE IF NOT EXISTS parts (
      key TEXT NOT NULL, part INTEGER NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL, taken INTEGER NOT NULL,
      at INTEGER NOT NULL, PRIMARY KEY (key, part)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS parts_id ON parts (id);
    CREATE INDEX IF NOT EXISTS parts_at ON parts (at);
    CREATE TABLE IF NOT EXISTS chats (jid TEXT PRIMARY KEY, conversation TEXT NOT NULL) WITHOUT ROWID, STRICT;
  `);
  const insert = database.prepare(
    "INSERT INTO parts (key, part, id, text, taken, at) VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
  );
  const take = database.prepare("UPDATE parts SET taken = 1 WHERE key = ? AND part = ?");
  const selectTaken = database.prepare("SELECT 1 FROM parts WHERE key = ? AND part = ? AND taken = 1");
  const selectText = database.prepare("SELECT text FROM parts WHERE id = ?");
  const sweep = database.prepare("DELETE FROM parts WHERE at < ?");
  const selectChat = database.prepare("SELECT conversation FROM chats WHERE jid = ?");
  const insertChat = database.prepare("INSERT INTO chats (jid, conversation) VALUES (?, ?) ON CONFLICT DO NOTHING");
  let notes = 0;
  const findChat = (jid: string | undefined) => {
    const found = jid === undefined ? undefined : selectChat.get(jid)?.["conversation"];
    return found === undefined ? undefined : String(found);
  };
  return {
    begin({ key, part, id, text }) {
      if (notes++ % sweepEvery === 0) sweep.run(Date.now() - keepMs);
      insert.run(key, part, id, text, Date.now());
    },
    taken: ({ key, part }) => void take.run(key, part),
    isTaken: ({ key, part }) => selectTaken.get(key, part) !== undefined,
    findText(id) {
      const found = selectText.get(id)?.["text"];
      return found === undefined ? undefined : String(found);
    },
    toConversation(jid, otherJid) {
      const known = findChat(jid);
      if (known !== undefined && (otherJid === undefined || findChat(otherJid) !== undefined)) return known;
      const conversation = known ?? findChat(otherJid) ?? toPhoneJid(jid, otherJid) ?? jid;
      for (const name of [jid, otherJid]) if (name !== undefined) insertChat.run(name, conversation);
      return conversation;
    },
    [Symbol.dispose]: () => database.close(),
  };
}

/** The one of a person's addresses that is a phone number. */
export function toPhoneJid(...jids: readonly (string | undefined)[]): string | undefined {
  return jids.find((jid) => jid?.endsWith("@s.whatsapp.net"));
}
