import {
  type AuthenticationCreds,
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalKeyStore,
} from "baileys";
import { createHash } from "node:crypto";
import { z } from "zod";
import { openStateFile } from "../../src/sdk/state_file.ts";

/** Credentials and keys of one account, on disk. Each change is there when the call that makes it returns. */
export interface AuthStore extends Disposable {
  /** Baileys changes it in place; {@linkcode AuthStore.save} writes it down. */
  readonly creds: AuthenticationCreds;
  readonly keys: SignalKeyStore;
  /** Whether a phone has linked this device. */
  readonly isPaired: boolean;
  save(): void;
  /** Takes away what a pairing that never came to its end has left in the credentials. */
  dropHalfPairing(): void;
  /** Forgets the account: credentials and keys are those of a new device. */
  forget(): void;
  /** Texts that were decrypted but maybe not taken, see `decrypt_once.ts`. */
  forgetDecrypted(ciphertext: Uint8Array): void;
}

/** Type of the entries that hold texts once they are decrypted. */
export const decryptedType = "decrypted";

/** WhatsApp gives up on a message that was not taken for a month. */
const keepDecryptedMs = 31 * 86_400_000;

const rowSchema = z.object({ value: z.string() }).optional();

/** Opens the file `path`, which only its owner may read. */
export function openAuthStore(path: string): AuthStore {
  const file = openStateFile(
    path,
    `CREATE TABLE IF NOT EXISTS entries (
      type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (type, id)
    ) WITHOUT ROWID, STRICT;`,
  );
  const select = file.prepare("SELECT value FROM entries WHERE type = ? AND id = ?");
  const insert = file.prepare("INSERT OR REPLACE INTO entries (type, id, value, at) VALUES (?, ?, ?, ?)");
  const remove = file.prepare("DELETE FROM entries WHERE type = ? AND id = ?");
  const removeAll = file.prepare("DELETE FROM entries");
  file.prepare("DELETE FROM entries WHERE type = ? AND at < ?").run(decryptedType, Date.now() - keepDecryptedMs);

  const read = (type: string, id: string): unknown => {
    const row = rowSchema.parse(select.get(type, id));
    return row && JSON.parse(row.value, BufferJSON.reviver);
  };
  const write = (type: string, id: string, value: unknown) => {
    insert.run(type, id, JSON.stringify(value, BufferJSON.replacer), Date.now());
  };
  const setAll = (data: SignalDataSet) =>
    file.transact(() => {
      for (const [type, entries] of Object.entries(data)) {
        for (const [id, value] of Object.entries(entries)) {
          if (value === null || value === undefined) remove.run(type, id);
          else write(type, id, value);
        }
      }
    });

  const creds = (read("creds", "") ?? initAuthCreds()) as AuthenticationCreds; // eraser: written by save, below
  const save = () => write("creds", "", creds);
  const keys: SignalKeyStore = {
    get(type, ids) {
      const found = ids.flatMap((id) => {
        const value = read(type, id);
        if (value === undefined) return [];
        const isSyncKey = type === "app-state-sync-key" && typeof value === "object" && value !== null;
        return [[id, isSyncKey ? proto.Message.AppStateSyncKeyData.fromObject(value) : value]];
      });
      return Object.fromEntries(found);
    },
    set: setAll,
  };
  return {
    creds,
    keys,
    get isPaired() {
      return creds.account !== undefined;
    },
    save,
    dropHalfPairing() {
      // With a name Baileys would log in instead of asking for a pairing.
      delete creds.me;
      creds.pairingCode = undefined;
      save();
    },
    forget() {
      removeAll.run();
      for (const name of Object.keys(creds)) Reflect.deleteProperty(creds, name);
      Object.assign(creds, initAuthCreds());
      save();
    },
    forgetDecrypted: (ciphertext) => void remove.run(decryptedType, toDecryptedId(ciphertext)),
    [Symbol.dispose]: file[Symbol.dispose],
  };
}

/** Key of the text that `ciphertext` holds. */
export function toDecryptedId(ciphertext: Uint8Array): string {
  return createHash("sha256").update(ciphertext).digest("base64url");
}
