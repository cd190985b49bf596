import type { ForgottenSender } from "../../src/core/plugin.ts";
import { openStateFile } from "../../src/sdk/state_file.ts";

/** Takes addresses, subjects and copies of a person's mails out of the journal. The ids stay: they answer no mail twice. */
export function forgetSender(stateDir: string, { senderId, keys }: ForgottenSender): void {
  using file = openStateFile(`${stateDir}/journal.db`, "");
  const chosen = JSON.stringify(keys);
  file.transact(() => {
    file.prepare(
      `UPDATE mails SET conversation = '', address = '', subject = '', bare_subject = '', parents = '[]'
        WHERE address = ? OR id IN (SELECT id FROM sends WHERE key IN (SELECT value FROM json_each(?)))`,
    ).run(senderId, chosen);
    file.prepare("UPDATE sends SET copy = NULL WHERE key IN (SELECT value FROM json_each(?))").run(chosen);
  });
  // What was overwritten still stands in the log.
  file.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
}
