import type { ForgottenSender } from "../../src/core/plugin.ts";
import { openStateFile } from "../../src/sdk/state_file.ts";

/** Takes what was sent to a person, and the person's addresses, out of the journal. */
export function forgetSender(stateDir: string, { senderId, keys }: ForgottenSender): void {
  using file = openStateFile(`${stateDir}/journal.db`, "");
  file.transact(() => {
    file.prepare("DELETE FROM sent WHERE key IN (SELECT value FROM json_each(?))").run(JSON.stringify(keys));
    file.prepare("DELETE FROM chats WHERE jid = ? OR conversation = ?").run(senderId, senderId);
  });
  // What was overwritten still stands in the log.
  file.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
}
