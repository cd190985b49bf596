import type { Config } from "../config/config.ts";
import type { LedgerReader } from "../core/ledger.ts";
import type { Inbound } from "../core/message.ts";
import type { ToolMessage } from "../core/plugin_tool.ts";
import { type SessionKey, toSessionId } from "../core/session.ts";
import { readSession } from "../ledger/sessions.ts";
import type { OutboxAddress } from "../ledger/outbox.ts";
import { matchesPattern } from "../lib/pattern.ts";
import type { Pairing } from "./pairing.ts";
import { findPolicy, findRefusal } from "./policy.ts";

/**
 * Why a tool in a turn of the session `from` may not send a message, or `undefined` where it may: to whom the binding
 * names as recipients, or to those who may talk to the agent now. Where everybody may talk, only to who has written.
 */
export function findReachRefusal(
  { config, read, pairing }: {
    readonly config: Config;
    readonly read: LedgerReader;
    readonly pairing: Pick<Pairing, "findRefusal">;
  },
  from: SessionKey,
  { plugin, instance }: OutboxAddress,
  { conversation, thread, recipient, isAnswer, isNew }: ToolMessage,
): string | undefined {
  const policy = findPolicy(config, plugin, instance);
  if (policy?.binding === undefined || policy.agent.id !== from.agent) return "not_bound";
  const { recipients, open, allow_groups } = policy.binding;
  const names = [recipient?.id ?? conversation, ...(recipient?.handle === undefined ? [] : [`@${recipient.handle}`])];
  if (names.some((name) => matchesPattern(recipients, name.toLowerCase()))) return undefined;
  if (isNew) return "recipient_not_allowed";
  const isGroup = recipient === undefined;
  const message: Inbound = {
    conversation,
    providerMessageId: "none",
    sender: recipient ?? { id: conversation },
    text: "none",
    attachments: [],
    isGroup,
    mentionsMe: true,
  };
  const refusal = findRefusal(policy, message);
  const isNamed = isGroup ? allow_groups.length > 0 : !open;
  if (refusal === "sender_not_allowed") {
    // A group whose members may talk was let in when one of them did.
    const stays = isGroup ? undefined : pairing.findRefusal(policy, { plugin, instance, message });
    if (stays !== undefined) return stays;
  } else if (refusal !== undefined) return refusal;
  if (isNamed) return undefined;
  const there = { agent: from.agent, plugin, instance, conversation, ...(thread === undefined ? {} : { thread }) };
  const id = toSessionId(there);
  // The session of a first message is written down with its answer.
  return isAnswer || id === toSessionId(from) || readSession(read, id) !== undefined ? undefined : "nobody_wrote_there";
}
