import { DEFAULT_CONNECTION_CONFIG, type SignalKeyStoreWithTransaction, type SocketConfig } from "baileys";
import { decryptedType, toDecryptedId } from "./auth_store.ts";

/** Makes the part of Baileys that encrypts and decrypts. */
export type MakeSignalRepository = SocketConfig["makeSignalRepository"];

interface DecryptedTexts {
  get(type: string, ids: readonly string[]): Promise<Readonly<Record<string, Uint8Array>>>;
  set(data: Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>): Promise<void>;
}

/**
 * A Signal message can be decrypted once: doing it throws its key away. So that a message which was decrypted but not
 * taken can be read when WhatsApp delivers it again, its text is saved in the same transaction that moves the key on,
 * and found again by the ciphertext.
 */
export const makeRepeatableSignalRepository: MakeSignalRepository = (auth, logger, toLids) => {
  const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, toLids);
  // eraser: Baileys hands in the store with transactions, and passes on types of entries that it does not know
  const keys = auth.keys as unknown as DecryptedTexts & Pick<SignalKeyStoreWithTransaction, "transaction">;

  function once(lock: string, ciphertext: Uint8Array, decrypt: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const id = toDecryptedId(ciphertext);
    return keys.transaction(async () => {
      const { [id]: known } = await keys.get(decryptedType, [id]);
      if (known !== undefined) return known;
      const text = await decrypt();
      await keys.set({ [decryptedType]: { [id]: text } });
      return text;
    }, lock);
  }

  return {
    ...repository,
    decryptMessage: (options) => once(options.jid, options.ciphertext, () => repository.decryptMessage(options)),
    decryptGroupMessage: (options) => once(options.group, options.msg, () => repository.decryptGroupMessage(options)),
  };
};
