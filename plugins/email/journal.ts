import { z } from "zod";
import { openStateFile } from "../../src/sdk/state_file.ts";
import { toBareSubject } from "./thread.ts";

/** A mail that this account got or sent, as the thread needs it. */
export interface KnownMail {
  readonly id: string;
  readonly conversation: string;
  /** The other side. */
  readonly address: string;
  readonly subject: string;
  /** Ids of the mails before it, oldest first. */
  readonly parents: readonly string[];
  /** `report`: about a mail that did not arrive; nobody reads an answer to it. */
  readonly kind: "in" | "out" | "report";
}

/** How far a folder was read. */
export interface Cursor {
  readonly uidValidity: string;
  readonly uid: number;
  /** Newest time of arrival among the mails up to there, milliseconds since the epoch. */
  readonly newestAtMs: number;
  /** Mails up to this one came with a new numbering of the folder: most are not new. */
  readonly doubtfulUid: number;
}

/** A copy that is still to be put into the Sent folder. */
export interface PendingCopy {
  readonly id: string;
  readonly raw: Uint8Array;
}

/** What this account has read and sent, on disk, so that neither a crash nor a renumbered folder answers a mail again. */
export interface Journal extends Disposable {
  readCursor(folder: string): Cursor | undefined;
  /** Moves the cursor, and notes that the runtime has the mail `takenId`, in one step. */
  advance(folder: string, cursor: Cursor, takenId?: string): void;
  /** Counts a try to read the mail `uid`, also across restarts. Gives how many there were. */
  countTry(folder: string, uid: number): number;
  /** The mail was read. */
  clearTries(folder: string): void;
  find(id: string): KnownMail | undefined;
  /** Whether the runtime has a mail, or shall never get it. */
  isTaken(id: string): boolean;
  /** Notes a mail before it is handed over. One that is known stays as it is. */
  add(mail: KnownMail): void;
  /** Notes a mail that was read outside of the intake, also where only its id was known. */
  learn(mail: KnownMail): void;
  /** Notes mails that were there before the account was first read. */
  addPast(ids: readonly string[]): void;
  /** Newest conversation with `address` under a subject without marks. */
  findBySubject(address: string, bareSubject: string): string | undefined;
  /** Newest mail that came in a conversation. */
  findNewest(conversation: string): KnownMail | undefined;
  /** Counts a try of the send `key`. Gives how many there were. */
  countSendTry(key: string): number;
  /** Id of the mail that the send `key` became. */
  findSent(key: string): string | undefined;
  /** Notes that the server took a mail, and its copy where one is to be made. */
  addSent(key: string, mail: KnownMail, raw: Uint8Array | undefined): void;
  /** Mails sent in a conversation since a time. */
  countSent(conversation: string, sinceMs: number): number;
  /** Notes that a sent mail came back. Gives whether that is new. */
  addBounce(id: string): boolean;
  pendingCopies(): readonly PendingCopy[];
  dropCopy(id: string): void;
}

/** Longer than threads live and mailboxes are moved about. */
const keepMs = 400 * 86_400_000;
/** A subject joins what is not older. */
const subjectMs = 30 * 86_400_000;

/** Opens the journal in the file `path`. */
export function openJournal(path: string): Journal {
  const file = openStateFile(
    path,
    `CREATE TABLE IF NOT EXISTS cursors (
      folder TEXT PRIMARY KEY, uid_validity TEXT NOT NULL, uid INTEGER NOT NULL, newest_at INTEGER NOT NULL,
      doubtful_uid INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS tries (folder TEXT PRIMARY KEY, uid INTEGER NOT NULL, tries INTEGER NOT NULL)
      WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS mails (
      id TEXT PRIMARY KEY, conversation TEXT NOT NULL, address TEXT NOT NULL, subject TEXT NOT NULL,
      bare_subject TEXT NOT NULL, parents TEXT NOT NULL, kind TEXT NOT NULL, taken INTEGER NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS mails_conversation ON mails (conversation, kind);
    CREATE INDEX IF NOT EXISTS mails_subject ON mails (address, bare_subject);
    CREATE INDEX IF NOT EXISTS mails_at ON mails (at);
    CREATE TABLE IF NOT EXISTS sends (
      key TEXT PRIMARY KEY, tries INTEGER NOT NULL, id TEXT, bounced INTEGER NOT NULL DEFAULT 0, copy BLOB,
      at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS sends_id ON sends (id);
    CREATE INDEX IF NOT EXISTS sends_at ON sends (at);
    CREATE INDEX IF NOT EXISTS sends_copy ON sends (id) WHERE copy IS NOT NULL;`,
  );
  const { prepare, transact: atomically } = file;
  const selectCursor = prepare("SELECT uid_validity, uid, newest_at, doubtful_uid FROM cursors WHERE folder = ?");
  const putCursor = prepare(
    "INSERT OR REPLACE INTO cursors (folder, uid_validity, uid, newest_at, doubtful_uid) VALUES (?, ?, ?, ?, ?)",
  );
  const countTry = prepare(
    "INSERT INTO tries (folder, uid, tries) VALUES (?, ?, 1) ON CONFLICT (folder) DO UPDATE SET " +
      "tries = CASE WHEN uid = excluded.uid THEN tries + 1 ELSE 1 END, uid = excluded.uid RETURNING tries",
  );
  const clearTries = prepare("DELETE FROM tries WHERE folder = ?");
  const selectMail = prepare("SELECT id, conversation, address, subject, parents, kind, taken FROM mails WHERE id = ?");
  const insertMail = prepare(
    "INSERT OR IGNORE INTO mails (id, conversation, address, subject, bare_subject, parents, kind, taken, at) " +
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const fillIn = prepare(
    "UPDATE mails SET conversation = ?, address = ?, subject = ?, bare_subject = ?, parents = ? WHERE id = ? AND address = ''",
  );
  const take = prepare("UPDATE mails SET taken = 1 WHERE id = ?");
  const selectSubject = prepare(
    "SELECT conversation FROM mails WHERE address = ? AND bare_subject = ? AND at > ? ORDER BY at DESC LIMIT 1",
  );
  const selectNewest = prepare(
    "SELECT id, conversation, address, subject, parents, kind FROM mails WHERE conversation = ? AND kind = 'in' " +
      "ORDER BY at DESC, rowid DESC LIMIT 1",
  );
  const countSendTry = prepare(
    "INSERT INTO sends (key, tries, at) VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET tries = tries + 1 RETURNING tries",
  );
  const selectSent = prepare("SELECT id FROM sends WHERE key = ? AND id IS NOT NULL");
  const putSent = prepare(
    "INSERT INTO sends (key, tries, id, copy, at) VALUES (?, 1, ?, ?, ?) " +
      "ON CONFLICT (key) DO UPDATE SET id = excluded.id, copy = excluded.copy, at = excluded.at",
  );
  const countSent = prepare("SELECT count(*) AS n FROM mails WHERE conversation = ? AND kind = 'out' AND at > ?");
  const bounce = prepare("UPDATE sends SET bounced = 1 WHERE id = ? AND bounced = 0");
  const selectCopies = prepare("SELECT id, copy FROM sends WHERE copy IS NOT NULL ORDER BY at LIMIT 20");
  const dropCopy = prepare("UPDATE sends SET copy = NULL WHERE id = ?");
  const sweep = file.newSweep(["mails", "sends"], keepMs);

  function insert(mail: KnownMail, taken: boolean): void {
    const nowMs = Date.now();
    sweep();
    const { id, conversation, address, subject, parents, kind } = mail;
    const bare = toBareSubject(subject);
    insertMail.run(id, conversation, address, subject, bare, JSON.stringify(parents), kind, taken ? 1 : 0, nowMs);
  }

  return {
    readCursor(folder) {
      const row = selectCursor.get(folder);
      return row && {
        uidValidity: String(row["uid_validity"]),
        uid: Number(row["uid"]),
        newestAtMs: Number(row["newest_at"]),
        doubtfulUid: Number(row["doubtful_uid"]),
      };
    },
    advance(folder, { uidValidity, uid, newestAtMs, doubtfulUid }, takenId) {
      atomically(() => {
        if (takenId !== undefined) take.run(takenId);
        putCursor.run(folder, uidValidity, uid, newestAtMs, doubtfulUid);
      });
    },
    countTry: (folder, uid) => Number(countTry.get(folder, uid)?.["tries"]),
    clearTries: (folder) => void clearTries.run(folder),
    find: (id) => toKnownMail(selectMail.get(id)),
    isTaken: (id) => selectMail.get(id)?.["taken"] === 1,
    add: (mail) => insert(mail, false),
    learn(mail) {
      const { id, conversation, address, subject, parents } = mail;
      atomically(() => {
        fillIn.run(conversation, address, subject, toBareSubject(subject), JSON.stringify(parents), id);
        insert(mail, false);
      });
    },
    addPast(ids) {
      const past = { conversation: "", address: "", subject: "", parents: [], kind: "in" } as const;
      atomically(() => ids.forEach((id) => insert({ ...past, id }, true)));
    },
    findBySubject(address, bareSubject) {
      const conversation = selectSubject.get(address, bareSubject, Date.now() - subjectMs)?.["conversation"];
      return conversation === undefined ? undefined : String(conversation);
    },
    findNewest: (conversation) => toKnownMail(selectNewest.get(conversation)),
    countSendTry: (key) => Number(countSendTry.get(key, Date.now())?.["tries"]),
    findSent(key) {
      const id = selectSent.get(key)?.["id"];
      return id === undefined ? undefined : String(id);
    },
    addSent(key, mail, raw) {
      atomically(() => {
        insert(mail, true);
        putSent.run(key, mail.id, raw ?? null, Date.now());
      });
    },
    countSent: (conversation, sinceMs) => Number(countSent.get(conversation, sinceMs)?.["n"]),
    addBounce: (id) => bounce.run(id).changes > 0,
    pendingCopies: () =>
      selectCopies.all().flatMap(({ id, copy }) => copy instanceof Uint8Array ? [{ id: String(id), raw: copy }] : []),
    dropCopy: (id) => void dropCopy.run(id),
    [Symbol.dispose]: file[Symbol.dispose],
  };
}

function toKnownMail(row: Record<string, unknown> | undefined): KnownMail | undefined {
  if (row === undefined) return undefined;
  const { id, conversation, address, subject, parents, kind } = row;
  return {
    id: String(id),
    conversation: String(conversation),
    address: String(address),
    subject: String(subject),
    parents: z.array(z.string()).parse(JSON.parse(String(parents))),
    kind: kind === "out" || kind === "report" ? kind : "in",
  };
}
