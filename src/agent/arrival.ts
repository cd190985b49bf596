import type { Delivery } from "../core/bus.ts";
import type { Attachment } from "../core/message.ts";
import type { SessionKey } from "../core/session.ts";

/** Where the answer of a turn goes. */
export interface ReplyAddress {
  readonly plugin: string;
  readonly instance: string;
  readonly conversation: string;
  readonly thread?: string | undefined;
}

/** Something that an agent is to answer: a message, a task of another agent, a tick of its clock. */
export interface Arrival {
  readonly delivery: Delivery;
  /** It was there before this process: accepted by the one before, which may have died of it. */
  readonly isInherited: boolean;
  /** `task`: whoever gave it waits. `broadcast`: nobody does. */
  readonly source: "message" | "task" | "broadcast" | "heartbeat";
  readonly session: SessionKey;
  readonly sessionId: string;
  readonly text: string;
  /** What the channel says about the message. */
  readonly heading?: string | undefined;
  /** Nobody vouches for the sender. */
  readonly untrusted?: boolean | undefined;
  /** What the text quoted of earlier messages, for people who read the transcript. */
  readonly quotedTail?: string | undefined;
  readonly attachments: readonly Attachment[];
  /** Name of who wrote it, cleaned for a prompt. */
  readonly sender: string | undefined;
  /** Who wrote it, for tools that keep things by person. */
  readonly person: string | undefined;
  readonly isGroup: boolean;
  /** A new version of an earlier message. */
  readonly isEdit: boolean;
  readonly providerMessageId: string | undefined;
  /** What the message replies to, where the channel gives its text. */
  readonly quoted: string | undefined;
  readonly history: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  /** Absent: the answer stays in the transcript. */
  readonly reply: ReplyAddress | undefined;
  /** Agents that the task went through, the asking one last. */
  readonly chain: readonly string[];
  /** Milliseconds since the epoch at which nobody waits for the answer any more. */
  readonly deadlineAtMs: number | undefined;
  readonly traceparent: string | undefined;
}
