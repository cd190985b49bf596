import {
  type AuthenticationCreds,
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalKeyStore,
} from "baileys";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

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
export async function openAuthStore(path: string): Promise<AuthStore> {
  using file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  await file.syncData();
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 2000;
    PRAGMA secure_delete = ON;
    CREATE TABLE IF NOT EXISTS entries (
      type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (type, id)
    ) WITHOUT ROWID, STRICT;
  `);
  const select = database.prepare("SELECT value FROM entries WHERE type = ? AND id = ?");
  const insert = database.prepare("INSERT OR REPLACE INTO entries (type, id, value, at) VALUES (?, ?, ?, ?)");
  const remove = database.prepare("DELETE FROM entries WHERE type = ? AND id = ?");
  database.prepare("DELETE FROM entries WHERE type = ? AND at < ?").run(decryptedType, Date.now() - keepDecryptedMs);

  const read = (type: string, id: string): unknown => {
    const row = rowSchema.parse(select.get(type, id));
    return row && JSON.parse(row.value, BufferJSON.reviver);
  };
  const write = (type: string, id: string, value: unknown) => {
    insert.run(type, id, JSON.stringify(value, BufferJSON.replacer), Date.now());
  };
  const transact = (work: () => void) => {
    database.exec("BEGIN IMMEDIATE");
    try {
      work();
      database.exec("COMMIT");
    } catch (thrown) {
      database.exec("ROLLBACK");
      throw thrown;
    }
  };
  const setAll = (data: SignalDataSet) =>
    transact(() => {
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
      database.exec("DELETE FROM entries");
      for (const name of Object.keys(creds)) Reflect.deleteProperty(creds, name);
      Object.assign(creds, initAuthCreds());
      save();
    },
    forgetDecrypted: (ciphertext) => void remove.run(decryptedType, toDecryptedId(ciphertext)),
    [Symbol.dispose]: () => database.close(),
  };
}

/** Key of the text that `ciphertext` holds. */
export function toDecryptedId(ciphertext: Uint8Array): string {
  return createHash("sha256").update(ciphertext).digest("base64url");
}
