import type { Journal } from "./journal.ts";
import type { Mail } from "./mail.ts";
import { isAnswerSubject, toBareSubject, toConversation } from "./thread.ts";

/** The thread that a mail belongs to. */
export interface FoundConversation {
  readonly conversation: string;
  /** The agent has seen, or written, what the mail quotes. */
  readonly isContinued: boolean;
}

/** By the mails before it, else by its subject, else a new one. */
export function findConversation(journal: Journal, mail: Mail, address: string): FoundConversation {
  const own = journal.find(mail.id);
  const parent = mail.parents.toReversed().map((id) => journal.find(id)).find((known) => known?.address === address);
  // A mail that a tool began a thread with was written in another conversation.
  const isContinued = parent !== undefined && !(parent.kind === "out" && parent.parents.length === 0);
  if (own !== undefined && own.address === address) return { conversation: own.conversation, isContinued };
  if (parent !== undefined) return { conversation: parent.conversation, isContinued };
  const [root] = mail.parents;
  if (root !== undefined) return { conversation: toConversation(address, root), isContinued };
  const bare = toBareSubject(mail.subject);
  const bySubject = isAnswerSubject(mail.subject) && bare !== "" ? journal.findBySubject(address, bare) : undefined;
  if (bySubject !== undefined) return { conversation: bySubject, isContinued: true };
  return { conversation: toConversation(address, mail.id), isContinued };
}
