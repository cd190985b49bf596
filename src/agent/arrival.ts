import type { Config } from "../config/config.ts";
import type { Delivery } from "../core/bus.ts";
import type { Attachment } from "../core/message.ts";
import { type SessionKey, toPerson, toSessionId } from "../core/session.ts";
import {
  heartbeatEventSchema,
  type InboundEvent,
  inboundEventSchema,
  type RouteEvent,
  routeEventSchema,
} from "../core/topics.ts";
import { toPromptName } from "./fence.ts";
import { findPolicy } from "./policy.ts";

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

/**
 * What a stored event asks of an agent; `undefined` where it asks nothing.
 *
 * @param newestInheritedRow Newest inbox row that was there when the process began.
 */
export function toArrival(delivery: Delivery, config: Config, newestInheritedRow: number): Arrival | undefined {
  const { payload } = delivery.event;
  const isInherited = delivery.rowId <= newestInheritedRow;
  const inbound = inboundEventSchema.safeParse(payload);
  if (inbound.success) return { ...toMessageArrival(delivery, inbound.data, config), isInherited };
  const route = routeEventSchema.safeParse(payload);
  if (route.success && route.data.kind !== "result") return { ...toTaskArrival(delivery, route.data), isInherited };
  const heartbeat = heartbeatEventSchema.safeParse(payload);
  if (!heartbeat.success) return undefined;
  return { ...toHeartbeatArrival(delivery, heartbeat.data.agent, config), isInherited };
}

type NewArrival = Omit<Arrival, "isInherited">;

function toMessageArrival(
  delivery: Delivery,
  { plugin, instance, message }: InboundEvent,
  config: Config,
): NewArrival {
  const agent = findPolicy(config, plugin, instance)?.agent.id ?? "nobody";
  const session = {
    agent,
    plugin,
    instance,
    conversation: message.conversation,
    ...(message.thread === undefined ? {} : { thread: message.thread }),
  };
  return {
    delivery,
    source: "message",
    session,
    sessionId: toSessionId(session),
    text: message.text,
    heading: message.heading,
    untrusted: message.untrusted,
    quotedTail: message.quotedTail,
    attachments: message.attachments,
    sender: toPromptName(message.sender.name ?? message.sender.handle ?? message.sender.id),
    person: isNobody(plugin, message.sender.id) ? undefined : toPerson(plugin, message.sender.id),
    isGroup: message.isGroup,
    isEdit: message.edits !== undefined,
    providerMessageId: message.providerMessageId,
    quoted: message.quoted?.text,
    history: message.history ?? [],
    reply: { plugin, instance, conversation: message.conversation, thread: message.thread },
    chain: [],
    deadlineAtMs: undefined,
    traceparent: message.traceparent ?? delivery.event.traceparent,
  };
}

/** A program that names no user asks for anybody: what one asker said is not another's to see. */
function isNobody(plugin: string, senderId: string): boolean {
  return plugin === "api" && senderId === "api";
}

function toTaskArrival(delivery: Delivery, task: Exclude<RouteEvent, { kind: "result" }>): NewArrival {
  const agent = agentOf(delivery);
  const session = { agent, plugin: "agent", instance: agent, conversation: `${task.from}:${task.sessionId}` };
  return {
    delivery,
    source: task.kind === "delegate" ? "task" : "broadcast",
    session,
    sessionId: toSessionId(session),
    text: task.task,
    attachments: [],
    sender: task.from,
    person: undefined,
    isGroup: false,
    isEdit: false,
    providerMessageId: undefined,
    quoted: undefined,
    history: [],
    reply: task.kind === "delegate"
      ? { plugin: "agent", instance: task.from, conversation: delivery.event.id }
      : undefined,
    chain: task.chain,
    deadlineAtMs: task.deadlineAt,
    traceparent: delivery.event.traceparent,
  };
}

function toHeartbeatArrival(delivery: Delivery, agent: string, config: Config): NewArrival {
  const settings = config.agents.find((one) => one.id === agent)?.heartbeat;
  const session = { agent, plugin: "heartbeat", instance: agent, conversation: "clock" };
  return {
    delivery,
    source: "heartbeat",
    session,
    sessionId: toSessionId(session),
    text: settings?.prompt ?? "",
    attachments: [],
    sender: undefined,
    person: undefined,
    isGroup: false,
    isEdit: false,
    providerMessageId: undefined,
    quoted: undefined,
    history: [],
    reply: settings?.deliver_to,
    chain: [],
    deadlineAtMs: undefined,
    traceparent: delivery.event.traceparent,
  };
}

/** The agent that a subject ends with: `agent.route.<id>`; ids need no encoding, see the config's schema. */
export function agentOf({ event }: Delivery): string {
  const parts = event.subject.split(".");
  return (event.subject.startsWith("agent.route.") ? parts.at(-1) : parts.at(-2)) ?? "";
}
