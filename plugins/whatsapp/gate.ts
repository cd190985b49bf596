import {
  type BinaryNode,
  decryptMessageNode,
  jidDecode,
  jidNormalizedUser,
  type WAMessage,
  type WASocket,
} from "baileys";
import type { AuthStore } from "./auth_store.ts";
import type { LibraryLogger } from "./logger.ts";

/** What holding messages back needs. */
export interface GateDeps {
  readonly store: Pick<AuthStore, "creds" | "forgetDecrypted">;
  readonly logger: LibraryLogger;
  /** Resolves when the runtime has the message, or never will take it. */
  give(message: WAMessage): Promise<void>;
  /** More is held back than memory is for: what comes now must come again. */
  full(): void;
  /** Nothing is passed on any more when it fires. */
  readonly signal: AbortSignal;
}

const event = "CB:message";
/** Messages that wait for the runtime at once. */
const maxHeld = 1_000;
/** Messages whose ids are remembered, so that they are not given twice. */
const maxGiven = 1_000;

/**
 * Stands before Baileys' own handling of messages, which tells WhatsApp that a message was received before anybody
 * hears of it. Each is decrypted and given to the runtime first, and only then passed on; one that is not passed on is
 * delivered again. It needs the repository of `decrypt_once.ts`, since Baileys decrypts it a second time.
 */
export function holdBack(socket: WASocket, deps: GateDeps): void {
  const { signal } = deps;
  const handlers = socket.ws.listeners(event);
  const tails = new Map<string, Promise<void>>();
  const given = new Set<string>();
  let held = 0;

  async function give(message: WAMessage): Promise<void> {
    const { remoteJid, participant, id } = message.key;
    // Baileys drops the device from addresses on its way.
    const name = [remoteJid, participant].map((jid) => jidNormalizedUser(jid ?? undefined)).join(" ") + ` ${id}`;
    if (given.has(name)) return;
    await deps.give(message);
    given.add(name);
    for (const oldest of given) {
      if (given.size <= maxGiven) break;
      given.delete(oldest);
    }
  }

  async function take(node: BinaryNode): Promise<void> {
    if (signal.aborted) return;
    try {
      const message = await readMessage(socket, node, deps);
      if (message !== undefined) await give(message);
    } catch (thrown) {
      if (signal.aborted) return;
      throw thrown;
    }
    if (signal.aborted) return;
    // Baileys queues a message that waited for us elsewhere and does not say when it is done.
    const { offline: _, ...attrs } = node.attrs;
    for (const handle of handlers) await handle.call(socket.ws, { ...node, attrs });
    for (const ciphertext of ciphertexts(node)) deps.store.forgetDecrypted(ciphertext);
  }

  socket.ws.removeAllListeners(event);
  socket.ws.on(event, (node: BinaryNode) => {
    if (held === maxHeld) return deps.full();
    held++;
    const chat = node.attrs["from"] ?? "";
    const tail = (tails.get(chat) ?? Promise.resolve()).then(() => take(node)).catch((error) => {
      deps.logger.error({ error }, "a message was left with WhatsApp");
    }).finally(() => {
      held--;
      if (tails.get(chat) === tail) tails.delete(chat);
    });
    tails.set(chat, tail);
  });
  // What came without its text, and whose text the phone sent later.
  socket.ev.on("messages.upsert", async ({ messages }) => {
    try {
      for (const message of messages) if (message.message && !signal.aborted) await give(message);
    } catch (error) {
      deps.logger.error({ error }, "a message that came late was lost");
    }
  });
}

/** `undefined` where it cannot be read now: Baileys asks the sender for it again. */
async function readMessage(
  { signalRepository }: WASocket,
  node: BinaryNode,
  { store: { creds }, logger }: GateDeps,
): Promise<WAMessage | undefined> {
  const read = ciphertexts(node);
  if (read.length === 0 && !children(node).some(({ tag }) => tag === "plaintext")) return undefined;
  const decoded = decode(node, creds, signalRepository, logger);
  if (decoded === undefined) return undefined;
  const { fullMessage, decrypt } = decoded;
  const { key } = fullMessage;
  const [jid, otherJid] = [key.participant || key.remoteJid, key.participantAlt || key.remoteJidAlt];
  if (jid && otherJid) {
    const [lid, pn] = jidDecode(otherJid)?.server === "lid" ? [otherJid, jid] : [jid, otherJid];
    await signalRepository.lidMapping.storeLIDPNMappings([{ lid, pn }]);
    await signalRepository.migrateSession(pn, lid);
  } else if (jid?.endsWith("@lid")) {
    const pn = await signalRepository.lidMapping.getPNForLID(jid);
    if (pn !== null && key.participant) key.participantAlt = pn;
    else if (pn !== null) key.remoteJidAlt = pn;
  }
  await decrypt();
  return fullMessage.message ? fullMessage : undefined;
}

/** `undefined` for an envelope that makes no sense: Baileys refuses it, and it does not come again. */
function decode(
  node: BinaryNode,
  { me }: AuthStore["creds"],
  repository: WASocket["signalRepository"],
  logger: LibraryLogger,
): ReturnType<typeof decryptMessageNode> | undefined {
  try {
    return decryptMessageNode(node, me?.id ?? "", me?.lid ?? "", repository, logger);
  } catch (error) {
    logger.error({ error }, "a message has no readable envelope");
    return undefined;
  }
}

function children({ content }: BinaryNode): readonly BinaryNode[] {
  return Array.isArray(content) ? content : [];
}

function ciphertexts(node: BinaryNode): readonly Uint8Array[] {
  return children(node).flatMap(({ tag, content }) => tag === "enc" && content instanceof Uint8Array ? [content] : []);
}
