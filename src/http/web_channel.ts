import type { Config } from "../config/config.ts";
import type { Bus, ProviderKey } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";
import type { Log } from "../core/log.ts";
import type { Attachment, Inbound, Outbound } from "../core/message.ts";
import { toSessionId } from "../core/session.ts";
import { calls, topics } from "../core/topics.ts";
import type { Span, Tracer } from "../core/trace.ts";
import type { TurnEvent } from "../core/turn.ts";
import type { Live } from "../lib/live.ts";
import { every } from "./every.ts";
import { requireOpenIntake, retryAfterMs } from "./intake.ts";
import { type Mailbox, newMailbox } from "./mailbox.ts";

/** The two in-process plugins: programs come in through `api`, people through `console`. Each instance is an agent's id. */
const webPlugins = ["api", "console"] as const;
/** One of the two in-process plugins. */
export type WebPlugin = (typeof webPlugins)[number];

/** Requests that may wait for an answer at the same time. */
const maxWaiting = 2_000;
/** Events that may lie before a slow reader. What does not fit is in the reply, which is whole. */
const maxEvents = 5_000;
/** How long a reply waits for its turn's `ended` event, which tells the tokens and may come second. */
const endedGraceMs = 100;
const sweepMs = 15_000;

/** A message from a program or from the console. */
export interface WebMessage {
  readonly plugin: WebPlugin;
  readonly agent: string;
  readonly conversation: string;
  /** The same id in the same conversation is the same message, for ever. */
  readonly messageId: string;
  readonly sender: string;
  readonly text: string;
  readonly attachments?: readonly Attachment[];
  readonly history?: Inbound["history"];
  readonly traceparent?: string | undefined;
}

/** What became of a message. */
export interface WebReply {
  /** `silent`: the agent had nothing to say. */
  readonly outcome: "answered" | "failed" | "silent";
  readonly text: string;
  readonly turnId: string;
  readonly error?: Outbound["error"];
  /** Tokens of the turn; 0 where it ran in an earlier process. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A message that was accepted, and the wait for its answer. Disposing it ends the wait; the turn goes on. */
export interface Exchange extends Disposable {
  /** The message had been accepted before. */
  readonly duplicate: boolean;
  /** What happens in the turn, as far as it is seen; ends when there is a reply. */
  readonly events: AsyncIterable<readonly TurnEvent[]>;
  /**
   * The answer.
   *
   * @throws {AppError} `timeout` when it takes too long, `unavailable` when the process stops; both can be asked again
   * with the same message id. `cancelled` after disposal.
   */
  reply(): Promise<WebReply>;
}

/** The channel of programs and of the console. */
export interface WebChannel {
  /**
   * Hands a message to its agent; resolves when it cannot be lost.
   *
   * @throws {AppError} `missing` for an unknown agent; `unavailable` while intake is paused or too many wait; `conflict`
   * where the same id was another message.
   */
  ask(message: WebMessage): Promise<Exchange>;
}

/** A message that was accepted before. */
export interface AcceptedMessage {
  readonly message: Pick<Inbound, "text" | "attachments" | "history">;
  /** Absent while there is none. */
  readonly reply: Outbound | undefined;
}

/** What the web channel uses. */
export interface WebChannelDeps {
  readonly config: Live<Config>;
  readonly bus: Bus;
  readonly intake: Pick<Intake, "pausedBy">;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly log: Log;
  /** What was accepted under a key before, as the ledger has it. */
  findAccepted(key: ProviderKey): AcceptedMessage | undefined;
}

interface Waiter {
  /** From {@linkcode toWaitKey}. */
  readonly key: string;
  readonly deadlineAt: number;
  readonly events: Mailbox<TurnEvent>;
  readonly span: Span;
  readonly settled: PromiseWithResolvers<() => WebReply>;
  turnId?: string;
  ended?: EndedEvent;
  outbound?: Outbound;
}

type EndedEvent = Extract<TurnEvent, { type: "ended" }>;

/** Opens the web channel: it answers for the sending side of both plugins and watches the turns of every agent. */
export function openWebChannel(deps: WebChannelDeps): WebChannel & AsyncDisposable {
  const { config, bus, intake, clock, tracer, log } = deps;
  const gone = new AbortController();
  const answerers = new AsyncDisposableStack();
  const agents = new Set<string>();
  const loops: Promise<void>[] = [];
  const waiting = newIndex();
  const running = newIndex();
  let waitingCount = 0;

  function settle(waiter: Waiter, result: () => WebReply): void {
    if (!waiting.remove(waiter.key, waiter)) return;
    waitingCount--;
    if (waiter.turnId !== undefined) running.remove(waiter.turnId, waiter);
    waiter.settled.resolve(result);
    waiter.events.end();
    waiter.span.end();
  }

  function giveUp(waiter: Waiter, error: AppError): void {
    settle(waiter, () => {
      throw error;
    });
  }

  function onTurnEvent(event: TurnEvent): void {
    if (event.type === "started" || event.type === "ended") {
      for (const answered of event.answers) {
        for (const waiter of waiting.get(toWaitKey(event.sessionId, answered))) {
          if (waiter.turnId !== undefined) running.remove(waiter.turnId, waiter);
          waiter.turnId = event.turnId;
          running.add(event.turnId, waiter);
        }
      }
    }
    for (const waiter of running.get(event.turnId)) {
      waiter.events.put(event);
      if (event.type !== "ended") continue;
      waiter.ended = event;
      const said = event.outcome === "silent" ? event : waiter.outbound;
      if (said !== undefined) settle(waiter, () => toReply(said, event));
    }
  }

  function onOutbound(plugin: WebPlugin, agent: string, outbound: Outbound): void {
    const sessionId = toSessionId({ agent, plugin, instance: agent, conversation: outbound.conversation });
    for (const answered of outbound.inReplyTo) {
      for (const waiter of waiting.get(toWaitKey(sessionId, answered))) {
        waiter.outbound = outbound;
        const answer = () => settle(waiter, () => toReply(outbound, waiter.ended));
        if (waiter.ended !== undefined) answer();
        else clock.wait(endedGraceMs, gone.signal).then(answer, answer);
      }
    }
  }

  async function watch(agent: string): Promise<void> {
    try {
      for await (const event of bus.subscribe(topics.turn(agent), { signal: gone.signal, buffer: 10_000 })) {
        onTurnEvent(event.payload);
      }
    } catch (error) {
      // Replies still arrive, only whole: they do not come this way.
      if (!gone.signal.aborted) log.error("http.turn_feed_ended", { agent, error: toAppError(error).message });
    }
  }

  // An agent that leaves the config keeps its way out: its last turns may still be running.
  function attachAgents(): void {
    for (const { id } of config.current.agents) {
      if (agents.has(id)) continue;
      agents.add(id);
      for (const plugin of webPlugins) {
        answerers.use(bus.respond(calls.send(plugin, id), (outbound) => {
          onOutbound(plugin, id, outbound);
          return Promise.resolve({ providerMessageIds: [outbound.key] });
        }));
      }
      loops.push(watch(id));
    }
  }

  async function followConfig(): Promise<void> {
    for await (const _ of config.changes(gone.signal)) attachAgents();
  }

  attachAgents();
  loops.push(
    followConfig(),
    every(sweepMs, clock, gone.signal, () => {
      const now = clock.monotonic();
      for (const waiter of waiting.all()) {
        if (waiter.deadlineAt <= now) giveUp(waiter, newTooSlowError());
      }
    }),
  );

  return {
    async ask(message) {
      const { plugin, agent, conversation, messageId } = message;
      if (gone.signal.aborted) throw newStoppingError();
      requireOpenIntake(intake);
      const agentConfig = findAgent(config.current, agent);
      if (waitingCount >= maxWaiting) {
        throw new AppError("unavailable", `${maxWaiting} requests already wait for an answer. Try again soon`, {
          reason: "too_many_waiting",
          retryAfterMs,
        });
      }

      const span = tracer.start("http.message", {
        traceparent: message.traceparent,
        kind: "server",
        attributes: { agent, plugin },
      });
      const waiter: Waiter = {
        key: toWaitKey(toSessionId({ agent, plugin, instance: agent, conversation }), messageId),
        // One turn may be ahead of it in its lane.
        deadlineAt: clock.monotonic() + 2 * agentConfig.config.turn_deadline,
        events: newMailbox(maxEvents),
        span,
        settled: Promise.withResolvers(),
      };
      // Waiting begins before the message is handed on, so that no reply can be missed.
      waiting.add(waiter.key, waiter);
      waitingCount++;
      const cancel = () => giveUp(waiter, new AppError("cancelled", "Nobody waits for this answer any more"));

      try {
        const providerKey = { plugin, instance: agent, conversation, messageId };
        const inbound = toInbound(message, span.traceparent, clock.now());
        const { duplicate } = await bus.publish(topics.inbound(plugin, agent), {
          plugin,
          instance: agent,
          message: inbound,
        }, { source: `${plugin}.${agent}`, providerKey, ...traceOf(span.traceparent) });
        const accepted = duplicate ? deps.findAccepted(providerKey) : undefined;
        if (accepted !== undefined && !saysTheSame(accepted.message, inbound)) throw newReusedKeyError();
        const reply = accepted?.reply;
        if (reply !== undefined) settle(waiter, () => toReply(reply, undefined));
        return {
          duplicate,
          events: waiter.events,
          reply: async () => (await waiter.settled.promise)(),
          [Symbol.dispose]: cancel,
        };
      } catch (error) {
        cancel();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      for (const waiter of waiting.all()) giveUp(waiter, newStoppingError());
      await answerers.disposeAsync();
      await Promise.all(loops);
    },
  };
}

function findAgent(config: Config, id: string): Config["agents"][number] {
  const agent = config.agents.find((candidate) => candidate.id === id);
  if (agent !== undefined) return agent;
  const known = config.agents.map((candidate) => candidate.id).join(", ");
  throw new AppError("missing", `There is no agent "${id.slice(0, 100)}". Agents: ${known || "none"}`, {
    reason: "unknown_agent",
  });
}

function newStoppingError(): AppError {
  return new AppError(
    "unavailable",
    "The process is stopping. An accepted message is answered after the restart: ask again with the same Idempotency-Key",
    { reason: "stopping", retryAfterMs },
  );
}

function newTooSlowError(): AppError {
  return new AppError(
    "timeout",
    "There is no answer yet. The message is not lost: ask again with the same Idempotency-Key",
    { reason: "answer_too_slow" },
  );
}

function newReusedKeyError(): AppError {
  return new AppError(
    "conflict",
    "This Idempotency-Key came before with another message. Send this one with a new key",
    {
      reason: "key_reused",
    },
  );
}

/** Whether two messages under one key are one that is sent again. */
function saysTheSame(one: AcceptedMessage["message"], other: AcceptedMessage["message"]): boolean {
  const toText = ({ text, attachments, history = [] }: AcceptedMessage["message"]) =>
    JSON.stringify([text, attachments.map(({ ref }) => ref), history.map(({ role, text }) => [role, text])]);
  return toText(one) === toText(other);
}

function toInbound(message: WebMessage, traceparent: string | undefined, nowMs: number): Inbound {
  return {
    conversation: message.conversation,
    providerMessageId: message.messageId,
    sender: { id: message.sender },
    text: message.text,
    attachments: [...message.attachments ?? []],
    isGroup: false,
    mentionsMe: false,
    sentAt: new Date(nowMs).toISOString(),
    ...(message.history === undefined ? {} : { history: message.history }),
    ...traceOf(traceparent),
  };
}

function traceOf(traceparent: string | undefined): { readonly traceparent?: string } {
  return traceparent === undefined ? {} : { traceparent };
}

function toReply(said: Outbound | EndedEvent, ended: EndedEvent | undefined): WebReply {
  return {
    outcome: said.outcome,
    text: said.text,
    turnId: said.turnId,
    ...("error" in said && said.error !== undefined ? { error: said.error } : {}),
    ...("why" in said && said.why !== undefined ? { error: { kind: "cancelled" as const, message: said.why } } : {}),
    inputTokens: ended?.inputTokens ?? 0,
    outputTokens: ended?.outputTokens ?? 0,
  };
}

function toWaitKey(sessionId: string, messageId: string): string {
  return `${sessionId}\n${messageId}`;
}

interface WaiterIndex {
  add(key: string, waiter: Waiter): void;
  /** Whether it was there. */
  remove(key: string, waiter: Waiter): boolean;
  /** May be walked while its waiters are settled. */
  get(key: string): readonly Waiter[];
  all(): readonly Waiter[];
}

function newIndex(): WaiterIndex {
  const byKey = new Map<string, Waiter[]>();
  return {
    add(key, waiter) {
      const present = byKey.get(key);
      if (present === undefined) byKey.set(key, [waiter]);
      else if (!present.includes(waiter)) present.push(waiter);
    },
    remove(key, waiter) {
      const present = byKey.get(key);
      if (present === undefined || !present.includes(waiter)) return false;
      if (present.length === 1) byKey.delete(key);
      else byKey.set(key, present.filter((other) => other !== waiter));
      return true;
    },
    get: (key) => byKey.get(key) ?? [],
    all: () => [...byKey.values()].flat(),
  };
}
