import { isAddress } from "./address.ts";
import { toDigest } from "./message_id.ts";

/**
 * A thread of mails with one person. The address is part of it: whoever joins a thread in the middle, or pretends to,
 * sees nothing of what was said with others in it.
 */
export function toConversation(address: string, rootId: string): string {
  return `${address}/${toDigest(16, rootId)}`;
}

/** Whom a conversation is with; `undefined` for one that is none of mail. */
export function toCorrespondent(conversation: string): string | undefined {
  const address = conversation.replace(/\/[0-9a-f]{16}$/, "");
  return isAddress(address) ? address : undefined;
}

/** The subject without the marks that answers put before it. */
export function toBareSubject(subject: string): string {
  return subject.replace(/^(\s*(re|aw|sv|vs|antw|ref|rv|res|odp)(\[\d+\])?\s*:\s*)+/i, "").trim();
}

/** Whether a subject has the mark of an answer. */
export function isAnswerSubject(subject: string): boolean {
  return toBareSubject(subject) !== subject.trim();
}
