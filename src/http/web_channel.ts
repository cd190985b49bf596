import type { Config } from "../config/config.ts";
import type { Bus, ProviderKey } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Intake } from "../core/intake.ts";
import type { Log } from "../core/log.ts";
import type { Attachment, Inbound, Outbound } from "../core/message.ts";
import { toSessionId } from "../core/session.ts";
import { calls, topics } from "../core/topics.ts";
import type { Tracer } from "../core/trace.ts";
import type { TurnEvent } from "../core/turn.ts";
import type { Live } from "../lib/live.ts";
import { every } from "./every.ts";
import { requireOpenIntake, retryAfterMs } from "./intake.ts";
import { newWaiters, type WebReply } from "./waiters.ts";

/** The two in-process plugins: programs come in through `api`, people through `console`. Each instance is an agent's id. */
const webPlugins = ["api", "console"] as const;
/** One of the two in-process plugins. */
export type WebPlugin = (typeof webPlugins)[number];

/** Requests that may wait for an answer at the same time. */
const maxWaiting = 2_000;
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

/** Opens the web channel: it answers for the sending side of both plugins and watches the turns of every agent. */
export function openWebChannel(deps: WebChannelDeps): WebChannel & AsyncDisposable {
  const { config, bus, intake, clock, tracer, log } = deps;
  const gone = new AbortController();
  const answerers = new AsyncDisposableStack();
  const agents = new Set<string>();
  const loops: Promise<void>[] = [];
  const waiters = newWaiters(clock, gone.signal);

  async function watch(agent: string): Promise<void> {
    try {
      for await (const event of bus.subscribe(topics.turn(agent), { signal: gone.signal, buffer: 10_000 })) {
        waiters.onTurnEvent(event.payload);
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
          const { conversation } = outbound;
          waiters.onOutbound(toSessionId({ agent: id, plugin, instance: id, conversation }), outbound);
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
    every(sweepMs, clock, gone.signal, () => waiters.giveUp(clock.monotonic(), newTooSlowError)),
  );

  return {
    async ask(message) {
      const { plugin, agent, conversation, messageId } = message;
      if (gone.signal.aborted) throw newStoppingError();
      requireOpenIntake(intake);
      const agentConfig = findAgent(config.current, agent);
      if (waiters.count >= maxWaiting) {
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
      // Waiting begins before the message is handed on, so that no reply can be missed.
      const wait = waiters.begin({
        sessionId: toSessionId({ agent, plugin, instance: agent, conversation }),
        messageId,
        // One turn may be ahead of it in its lane.
        deadlineAt: clock.monotonic() + 2 * agentConfig.config.turn_deadline,
        span,
      });
      const cancel = () => wait.giveUp(new AppError("cancelled", "Nobody waits for this answer any more"));

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
        if (accepted?.reply !== undefined) wait.answer(accepted.reply);
        return { duplicate, events: wait.events, reply: wait.reply, [Symbol.dispose]: cancel };
      } catch (error) {
        cancel();
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      waiters.giveUp(Infinity, newStoppingError);
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
