import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Outbound } from "../core/message.ts";
import type { Span } from "../core/trace.ts";
import type { TurnEvent } from "../core/turn.ts";
import { type Mailbox, newMailbox } from "./mailbox.ts";

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

/** The wait for the answer to one message. */
export interface Wait {
  /** What happens in the turn that answers it. */
  readonly events: AsyncIterable<readonly TurnEvent[]>;
  /** @throws {AppError} what it was given up with. */
  reply(): Promise<WebReply>;
  /** Ends it with an answer that was there before. */
  answer(outbound: Outbound): void;
  /** Ends it, unless it has ended. */
  giveUp(error: AppError): void;
}

/** Everybody who waits for the answer to a message. */
export interface Waiters {
  readonly count: number;
  /** Waits for the answer to a message, until `deadlineAt` on the monotonic clock; then `span` ends. */
  begin(message: {
    readonly sessionId: string;
    readonly messageId: string;
    readonly deadlineAt: number;
    readonly span: Span;
  }): Wait;
  onTurnEvent(event: TurnEvent): void;
  /** Something is said in a session. */
  onOutbound(sessionId: string, outbound: Outbound): void;
  /** Gives up the waits whose deadline lies before `untilMs`; `Infinity`: all. */
  giveUp(untilMs: number, newError: () => AppError): void;
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

/** Events that may lie before a slow reader. What does not fit is in the reply, which is whole. */
const maxEvents = 5_000;
/** How long a reply waits for its turn's `ended` event, which tells the tokens and may come second. */
const endedGraceMs = 100;

/** Makes {@linkcode Waiters} that nobody is among. When `gone` fires, replies wait for nothing more. */
export function newWaiters(clock: Clock, gone: AbortSignal): Waiters {
  const waiting = newIndex();
  const running = newIndex();
  let count = 0;

  const settle = (waiter: Waiter, result: () => WebReply): void => {
    if (!waiting.remove(waiter.key, waiter)) return;
    count--;
    if (waiter.turnId !== undefined) running.remove(waiter.turnId, waiter);
    waiter.settled.resolve(result);
    waiter.events.end();
    waiter.span.end();
  };
  const giveUp = (waiter: Waiter, error: AppError): void =>
    settle(waiter, () => {
      throw error;
    });

  return {
    get count() {
      return count;
    },
    begin({ sessionId, messageId, deadlineAt, span }) {
      const waiter: Waiter = {
        key: toWaitKey(sessionId, messageId),
        deadlineAt,
        events: newMailbox(maxEvents),
        span,
        settled: Promise.withResolvers(),
      };
      waiting.add(waiter.key, waiter);
      count++;
      return {
        events: waiter.events,
        reply: async () => (await waiter.settled.promise)(),
        answer: (outbound) => settle(waiter, () => toReply(outbound, undefined)),
        giveUp: (error) => giveUp(waiter, error),
      };
    },
    onTurnEvent(event) {
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
    },
    onOutbound(sessionId, outbound) {
      for (const answered of outbound.inReplyTo) {
        for (const waiter of waiting.get(toWaitKey(sessionId, answered))) {
          waiter.outbound = outbound;
          const answer = () => settle(waiter, () => toReply(outbound, waiter.ended));
          if (waiter.ended !== undefined) answer();
          else clock.wait(endedGraceMs, gone).then(answer, answer);
        }
      }
    },
    giveUp(untilMs, newError) {
      for (const waiter of waiting.all()) if (waiter.deadlineAt <= untilMs) giveUp(waiter, newError());
    },
  };
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
