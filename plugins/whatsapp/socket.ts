import { isJidBroadcast, isJidNewsletter, isJidStatusBroadcast, makeWASocket, proto, type WASocket } from "baileys";
import type { AuthStore } from "./auth_store.ts";
import { makeRepeatableSignalRepository } from "./decrypt_once.ts";
import type { LibraryLogger } from "./logger.ts";

/** Milliseconds between two pings, to which an open connection answers. */
export const keepAliveMs = 25_000;

const queryMs = 30_000;

/** What a socket needs. */
export interface SocketDeps {
  readonly url: string;
  readonly store: Pick<AuthStore, "creds" | "keys">;
  readonly logger: LibraryLogger;
  /** Content of a message that was sent: a device that could not decrypt it asks again. */
  findSentContent(id: string): Uint8Array | undefined;
}

/** Begins one connection to WhatsApp. */
export function openSocket({ url, store, logger, findSentContent }: SocketDeps): WASocket {
  return makeWASocket({
    waWebSocketUrl: url,
    auth: { creds: store.creds, keys: store.keys },
    logger,
    keepAliveIntervalMs: keepAliveMs,
    defaultQueryTimeoutMs: queryMs,
    // Otherwise the phone of the account's owner shows no notifications any more.
    markOnlineOnConnect: false,
    syncFullHistory: false,
    emitOwnEvents: false,
    generateHighQualityLinkPreview: false,
    shouldIgnoreJid: (jid) => isJidBroadcast(jid) || isJidStatusBroadcast(jid) || isJidNewsletter(jid),
    getMessage: ({ id }) => {
      const content = id ? findSentContent(id) : undefined;
      return Promise.resolve(content === undefined ? undefined : proto.Message.decode(content));
    },
    makeSignalRepository: makeRepeatableSignalRepository,
  });
}
