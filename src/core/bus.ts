import type { Live } from "../lib/live.ts";
import type { ErrorRecord } from "./error.ts";
import type { Statement } from "./ledger.ts";
import type { Call, Topic } from "./topic.ts";

/** Something that happened, on a subject. Called BusEvent because a forgotten import of Event would be the DOM's. */
export interface BusEvent<T = unknown> {
  /** Never changes, also not when the event is stored, replayed or copied. */
  readonly id: string;
  readonly subject: string;
  /** Who published it, such as `telegram.sales` or `agent.ana`. */
  readonly source: string;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** ISO 8601 UTC; after it a consumer drops the event as expired. */
  readonly expiresAt?: string;
  /** W3C trace context of the publisher. */
  readonly traceparent?: string;
  readonly payload: T;
}

/** What a publisher may say about an event beside its payload. */
export interface EventMeta {
  readonly id?: string;
  readonly source?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly expiresAt?: string;
  readonly traceparent?: string;
  /** The provider's own key of what the event tells: a second event with the same key is the same event. */
  readonly providerKey?: ProviderKey;
}

/** The dedupe key of an inbound message. */
export interface ProviderKey {
  readonly plugin: string;
  readonly instance: string;
  readonly conversation: string;
  readonly messageId: string;
}

/** What became of a durable publish. `duplicate`: it was seen before and nothing was stored. */
export interface Published {
  readonly duplicate: boolean;
}

/** One event handed to a durable consumer, which answers for it until one of its statements is committed. */
export interface Delivery<T = unknown> {
  readonly event: BusEvent<T>;
  /** Key of the inbox row, ascending in order of acceptance. */
  readonly rowId: number;
  /** When it was accepted, milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** The turn that had taken this row before the process died, if any. */
  readonly turnId: string | undefined;
  /** How many turns have started with this row before. */
  readonly attempts: number;
}

/** An ephemeral view of a subject. Disposing it ends the iteration. */
export interface Subscription<T> extends AsyncIterable<BusEvent<T>>, AsyncDisposable {}

/** How the bus stands. */
export type BusStatus =
  | { readonly mode: "local" }
  | {
    readonly mode: "nats";
    readonly state: "up" | "down";
    /** ISO 8601 UTC. */
    readonly since: string;
    /** Why it is down. */
    readonly reason?: string;
    /** Events that wait on disk for NATS. */
    readonly spilled: number;
    /** Part of the room for them that is used; from 1 on nothing more is taken. */
    readonly fill: number;
    /** Publishing pauses while NATS is there but takes nothing. */
    readonly breaker: "closed" | "half_open" | "open";
    /** Whether the server keeps events itself; `undefined` until it was asked. */
    readonly jetStream: boolean | undefined;
  };

/** The way events travel between plugins, agents and extensions. */
export interface Bus extends AsyncDisposable {
  /**
   * Durable topic: resolves when the event cannot be lost. Ephemeral topic: fire and forget.
   *
   * @throws {AppError} `invalid` for a payload that is not the topic's; `unavailable` when nothing can be stored now.
   */
  publish<T>(topic: Topic<T>, payload: T, meta?: EventMeta): Promise<Published>;
  /** Every event on the topic's subject (which may hold wildcards) from now on. A full `buffer` drops the oldest. */
  subscribe<T>(topic: Topic<T>, options?: { readonly signal?: AbortSignal; readonly buffer?: number }): Subscription<T>;
  /** Durable events for the consumer `name`: at least once, deduped, in order of acceptance. Ends with `signal`. */
  consume<T>(
    topic: Topic<T>,
    options: { readonly name: string; readonly signal: AbortSignal },
  ): AsyncIterable<Delivery<T>>;
  /**
   * Asks whoever answers on the call's subject.
   *
   * @throws {AppError} `missing` when nobody answers there; else what the answerer threw.
   */
  request<I, O>(call: Call<I, O>, input: I, options: { readonly signal: AbortSignal }): Promise<O>;
  /** Answers a call until disposed. One answerer a subject: a second is a `conflict`. */
  respond<I, O>(call: Call<I, O>, answer: (input: I, signal: AbortSignal) => Promise<O>): AsyncDisposable;
  readonly status: Live<BusStatus>;
}

/** Where something can die on its way. */
export const hops = ["inbound", "turn", "outbound", "route", "flow", "spill"] as const;
/** Where something can die on its way. */
export type Hop = typeof hops[number];

/** A dead letter on its way into the ledger. */
export interface DeadLetter {
  readonly hop: Hop;
  readonly subject: string;
  readonly eventId: string;
  readonly cause: ErrorRecord;
  readonly attempts: number;
  /** The event or outbox row, whole, as JSON. */
  readonly body: string;
  /** Who it concerns, for lists. */
  readonly agent?: string;
  readonly sessionId?: string;
  /** ISO 8601 UTC, of the first attempt. */
  readonly firstAt: string;
  /** Inbox or outbox row that it came from, so that a replay can make that row live again. */
  readonly rowId?: number;
}

/** Statements that some part wants committed together with its own. */
export type Unit = readonly Statement[];
