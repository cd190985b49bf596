import type { ForgottenSender } from "../../src/core/plugin.ts";
import { openStateFile, type StateFile } from "../../src/sdk/state_file.ts";

/** Types of entries that are about one person each. */
const ofPeople = "'device-list', 'identity-key', 'lid-mapping', 'sender-key', 'session', 'tctoken'";

/**
 * Takes what was sent to a person, and the person's addresses, out of the journal, and what was agreed with their
 * devices out of the keys: where a device writes again, it is asked for a new session, as after a lost one.
 */
export function forgetSender(stateDir: string, { senderId, keys }: ForgottenSender): void {
  const users = forgetInJournal(`${stateDir}/journal.db`, senderId, keys);
  const path = `${stateDir}/auth.db`;
  if (isThere(path)) forgetKeys(path, users);
}

/** Gives the numbers of the person, without host and device: the phone's and the hidden one. */
function forgetInJournal(path: string, senderId: string, keys: readonly string[]): readonly string[] {
  using file = openStateFile(path, "");
  const chats = file.prepare(
    "SELECT jid FROM chats WHERE jid = ?1 OR conversation = ?1 " +
      "OR conversation IN (SELECT conversation FROM chats WHERE jid = ?1)",
  ).all(senderId);
  const jids = [senderId, ...chats.map(({ jid }) => String(jid))];
  file.transact(() => {
    file.prepare("DELETE FROM sent WHERE key IN (SELECT value FROM json_each(?))").run(JSON.stringify(keys));
    file.prepare("DELETE FROM chats WHERE jid IN (SELECT value FROM json_each(?))").run(JSON.stringify(jids));
  });
  emptyLog(file);
  return jids.flatMap((jid) => /^\d+/.exec(jid)?.[0] ?? []);
}

function forgetKeys(path: string, users: readonly string[]): void {
  using file = openStateFile(path, "");
  const mapped = file.prepare(
    "SELECT json_extract(value, '$') AS user FROM entries WHERE type = 'lid-mapping' AND id = ?",
  );
  const all = new Set(users.flatMap((user) => {
    const other = [user, `${user}_reverse`].flatMap((id) => mapped.get(id)?.["user"] ?? []);
    return [user, ...other.map(String)];
  }));
  // Ids are a number alone, or with host or device behind it, or behind a group and before a device.
  const remove = file.prepare(
    `DELETE FROM entries WHERE type IN (${ofPeople})
      AND (id = ?1 OR id GLOB ?1 || '[^0-9]*' OR id GLOB '*::' || ?1 || '[^0-9]*')
      OR type = 'sender-key-memory' AND value GLOB '*[^0-9]' || ?1 || '[^0-9]*'`,
  );
  file.transact(() => {
    for (const user of all) remove.run(user);
  });
  emptyLog(file);
}

/** What was overwritten still stands in the log. */
function emptyLog(file: StateFile): void {
  file.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
