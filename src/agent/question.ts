import type { TranscriptEntry } from "../core/transcript.ts";
import type { Arrival } from "./arrival.ts";
import { fenceText } from "./fence.ts";
import type { ShownAttachment } from "./media.ts";

/** A line of the past that came with the message. */
export function toPriorEntry({ role, text }: Arrival["history"][number]): TranscriptEntry {
  return role === "user" ? { role, text } : { role, text, toolCalls: [] };
}

/** Who asks, where it is one person who is vouched for. */
export function findAsker([first, ...others]: readonly [Arrival, ...Arrival[]]): string | undefined {
  const isOne = others.every(({ person }) => person === first.person);
  return isOne && ![first, ...others].some(({ untrusted }) => untrusted) ? first.person : undefined;
}

/** What the transcript keeps of a burst of messages: one entry, each message on lines of its own. */
export function toEntry(arrivals: readonly Arrival[]): TranscriptEntry {
  const attachments = arrivals.flatMap((arrival) => arrival.attachments);
  const ids = arrivals.map((arrival) => arrival.providerMessageId).filter((id) => id !== undefined);
  const sender = arrivals[0]?.sender;
  const tails = arrivals.flatMap(({ quotedTail = "" }) => quotedTail === "" ? [] : [quotedTail]);
  const people = [...new Set(arrivals.map(({ person }) => person).filter((person) => person !== undefined))];
  return {
    role: "user",
    text: arrivals.map(toText).join("\n"),
    ...(people.length === 0 ? {} : { people }),
    ...(attachments.length === 0 ? {} : { attachments }),
    ...(tails.length === 0 ? {} : { quotedTail: tails.join("\n\n") }),
    ...(sender === undefined ? {} : { sender }),
    ...(arrivals.some(({ untrusted }) => untrusted) ? { untrusted: true } : {}),
    ...(ids.length === 0 ? {} : { providerMessageIds: ids }),
  };
}

function toText({ text, heading, untrusted, isGroup, isEdit, sender, quoted, session }: Arrival): string {
  const words = isEdit ? `[an earlier message, edited] ${text}` : text;
  const named = isGroup && sender !== undefined ? `${sender}: ${words}` : words;
  const headed = heading === undefined ? named : `${heading}\n\n${named}`;
  const whole = quoted === undefined ? headed : `[in reply to: ${quoted.slice(0, 500)}]\n${headed}`;
  return untrusted ? fenceText(session.plugin, whole) : whole;
}

/** The question with the places where its attachments lie now, for the turns after it. */
export function withPaths(
  entry: Extract<TranscriptEntry, { role: "user" }>,
  shown: readonly ShownAttachment[],
): TranscriptEntry {
  if (entry.attachments === undefined) return entry;
  const attachments = entry.attachments.map((attachment, index) => {
    const path = shown[index]?.path;
    return path === undefined ? attachment : { ...attachment, path };
  });
  return { ...entry, attachments };
}
