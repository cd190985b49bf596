import { openStateFile } from "../../src/sdk/state_file.ts";

/** One part of a message that is sent. */
export interface SentPart {
  /** Id of the message that is sent in parts. */
  readonly key: string;
  /** Counted from 0. */
  readonly part: number;
  readonly id: string;
}

/** What this account has sent and learned, on disk. */
export interface Journal extends Disposable {
  /** Notes a part that is about to be sent, with its content as WhatsApp encodes it. On disk when it returns. */
  begin(part: SentPart, content: Uint8Array): void;
  /** Notes that WhatsApp took it. */
  taken(part: SentPart): void;
  isTaken(part: SentPart): boolean;
  /** Content of the sent message `id`: what is tried again, or what a device that could not decrypt it asks for. */
  findContent(id: string): Uint8Array | undefined;
  /**
   * The name under which a chat between two was first met. People have a phone number and a hidden number (LID), and
   * either may be the address of a message; their conversation is one.
   */
  toConversation(jid: string, otherJid: string | undefined): string;
  /** Every address under which the person of a conversation between two is known. */
  findJids(conversation: string): readonly string[];
}

/** Longer than the runtime tries to send, and than devices ask again. */
const keepMs = 3 * 86_400_000;

/** Opens the journal in the file `path`. */
export function openJournal(path: string): Journal {
  const file = openStateFile(
    path,
    `CREATE TABLE IF NOT EXISTS sent (
      key TEXT NOT NULL, part INTEGER NOT NULL, id TEXT NOT NULL, content BLOB NOT NULL, taken INTEGER NOT NULL,
      at INTEGER NOT NULL, PRIMARY KEY (key, part)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS sent_id ON sent (id);
    CREATE INDEX IF NOT EXISTS sent_at ON sent (at);
    CREATE TABLE IF NOT EXISTS chats (jid TEXT PRIMARY KEY, conversation TEXT NOT NULL) WITHOUT ROWID, STRICT;`,
  );
  const insert = file.prepare(
    "INSERT INTO sent (key, part, id, content, taken, at) VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
  );
  const take = file.prepare("UPDATE sent SET taken = 1 WHERE key = ? AND part = ?");
  const selectTaken = file.prepare("SELECT 1 FROM sent WHERE key = ? AND part = ? AND taken = 1");
  const selectContent = file.prepare("SELECT content FROM sent WHERE id = ?");
  const sweep = file.newSweep(["sent"], keepMs);
  const selectChat = file.prepare("SELECT conversation FROM chats WHERE jid = ?");
  const selectJids = file.prepare("SELECT jid FROM chats WHERE conversation = ?");
  const insertChat = file.prepare("INSERT INTO chats (jid, conversation) VALUES (?, ?) ON CONFLICT DO NOTHING");
  const findChat = (jid: string | undefined) => {
    const found = jid === undefined ? undefined : selectChat.get(jid)?.["conversation"];
    return found === undefined ? undefined : String(found);
  };
  return {
    begin({ key, part, id }, content) {
      sweep();
      insert.run(key, part, id, content, Date.now());
    },
    taken: ({ key, part }) => void take.run(key, part),
    isTaken: ({ key, part }) => selectTaken.get(key, part) !== undefined,
    findContent(id) {
      const found = selectContent.get(id)?.["content"];
      return found instanceof Uint8Array ? found : undefined;
    },
    toConversation(jid, otherJid) {
      const known = findChat(jid);
      if (known !== undefined && (otherJid === undefined || findChat(otherJid) !== undefined)) return known;
      const conversation = known ?? findChat(otherJid) ?? toPhoneJid(jid, otherJid) ?? jid;
      for (const name of [jid, otherJid]) if (name !== undefined) insertChat.run(name, conversation);
      return conversation;
    },
    findJids: (conversation) => selectJids.all(conversation).map(({ jid }) => String(jid)),
    [Symbol.dispose]: file[Symbol.dispose],
  };
}

/** The one of a person's addresses that is a phone number. */
export function toPhoneJid(...jids: readonly (string | undefined)[]): string | undefined {
  return jids.find((jid) => jid?.endsWith("@s.whatsapp.net"));
}
