import { AppError } from "../core/error.ts";
import { type Outbound, toReplyKey } from "../core/message.ts";
import type { Arrival, ReplyAddress } from "./arrival.ts";
import type { LoopResult } from "./loop.ts";
import { isInnerPlugin } from "./policy.ts";
import { stoppedText } from "./stops.ts";

/** How a turn ends. */
export type Ending =
  | { readonly outcome: "answered"; readonly result: LoopResult; readonly text: string }
  | { readonly outcome: "silent"; readonly result: LoopResult; readonly reason?: string }
  | { readonly outcome: "failed"; readonly error: AppError }
  /** By the operator. */
  | { readonly outcome: "stopped" }
  | { readonly outcome: "refused"; readonly by: "session_start" | "before_message"; readonly reason: string };

/** The turn that a reply ends. */
export interface EndedTurn {
  readonly turnId: string;
  readonly first: Arrival;
  /** Ids of the messages that it answers, as the channel named them. */
  readonly answers: readonly string[];
  /** What the user is told when no answer could be given. */
  readonly failureText: string;
  readonly traceparent: string | undefined;
}

/** What is sent at the end of a turn, and where to; `undefined` where nobody is to be told anything. */
export function toReply(
  ending: Ending,
  { turnId, first, answers, failureText, traceparent }: EndedTurn,
): { readonly address: ReplyAddress; readonly message: Outbound } | undefined {
  const address = first.reply;
  if (address === undefined) return undefined;
  // Nobody asked: a heartbeat that fails is the operator's matter.
  if (first.source === "heartbeat" && ending.outcome === "failed") return undefined;
  // Whoever waits on a line inside the process is told of silence too; people on a channel are not.
  const isSilent = ending.outcome === "silent" || ending.outcome === "refused" || ending.outcome === "stopped";
  if (isSilent && !isInnerPlugin(address.plugin)) return undefined;
  const failure = ending.outcome === "failed"
    ? { kind: ending.error.kind, message: ending.error.message }
    : ending.outcome === "refused"
    ? { kind: "denied", message: `The message was not let through: ${ending.reason}` }
    : ending.outcome === "stopped"
    ? { kind: "cancelled", message: stoppedText }
    : undefined;
  const text = ending.outcome === "answered"
    ? ending.text
    : ending.outcome === "failed"
    ? failureText.replaceAll("{reason}", toPlainReason(ending.error))
    : failure?.message ?? "";
  const message: Outbound = {
    key: toReplyKey(turnId),
    conversation: address.conversation,
    ...(address.thread === undefined ? {} : { thread: address.thread }),
    sessionId: first.sessionId,
    turnId,
    inReplyTo: [...answers],
    text,
    outcome: failure === undefined ? "answered" : "failed",
    ...(failure === undefined ? {} : { error: failure }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
  return { address, message };
}

/** What a user may be told of an error: its meaning, never its inside. */
function toPlainReason(error: AppError): string {
  if (error.reason?.startsWith("budget_") === true) return "the budget is used up";
  if (error.reason === "price_unknown") return "there is a budget, but no price for its model";
  switch (error.kind) {
    case "timeout":
      return "it took too long";
    case "unavailable":
      return "the model cannot be reached";
    case "denied":
      return "it is not allowed";
    case "invalid":
    case "missing":
    case "conflict":
      return "the configuration needs a look";
    case "cancelled":
    case "bug":
      return "something went wrong";
  }
}
