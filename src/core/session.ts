/** What a session is keyed by. A reply goes to the conversation, not to the sender. */
export interface SessionKey {
  readonly agent: string;
  readonly plugin: string;
  readonly instance: string;
  readonly conversation: string;
  readonly thread?: string;
}

/**
 * The one text form of a {@linkcode SessionKey}: its parts, percent-encoded, joined by `/`. Half a surrogate pair, which
 * has no such encoding, becomes U+FFFD.
 */
export function toSessionId(key: SessionKey): string {
  const parts = [key.agent, key.plugin, key.instance, key.conversation];
  if (key.thread !== undefined) parts.push(key.thread);
  return parts.map((part) => encodeURIComponent(part.toWellFormed())).join("/");
}

/** The one text form of a session's conversation: its id without the thread. */
export function toConversationId({ agent, plugin, instance, conversation }: SessionKey): string {
  return toSessionId({ agent, plugin, instance, conversation });
}

/** The one text form of a person: the plugin that knows them and their id there. The same in every conversation. */
export function toPerson(plugin: string, senderId: string): string {
  return `${plugin}:${senderId}`;
}

/** Reads a session id back, or `undefined` where it is none. */
export function parseSessionId(id: string): SessionKey | undefined {
  let parts: string[];
  try {
    parts = id.split("/").map(decodeURIComponent);
  } catch {
    return undefined; // a malformed percent sequence: decodeURIComponent has no other way to say so
  }
  const [agent, plugin, instance, conversation, thread] = parts;
  if (!agent || !plugin || !instance || !conversation || parts.length > 5) return undefined;
  return { agent, plugin, instance, conversation, ...(thread === undefined ? {} : { thread }) };
}
