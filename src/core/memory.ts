import { z } from "zod";

/**
 * Who may be told a fact. `person`: only who told it, and only where nobody else reads along. `conversation`: whoever
 * is in the conversation where it was told, and who told it. `everyone`: whoever talks to the agent.
 */
export const audienceSchema = z.enum(["person", "conversation", "everyone"]);
/** Who may be told a fact. */
export type Audience = z.output<typeof audienceSchema>;

/** One thing that an agent knows across conversations, with where it has it from. */
export const factSchema = z.object({
  id: z.string(),
  text: z.string(),
  tags: z.array(z.string()),
  /** From 0 to 1. A fact at 0 has faded: lists show it, recall passes it over. */
  importance: z.number(),
  audience: audienceSchema,
  /** Who told it, as `toPerson` names them. Absent: nobody in particular (a task, the agent's own clock). */
  person: z.string().optional(),
  /** Session and turn in which it was told, and the provider's id of the message that began the turn. */
  sessionId: z.string().optional(),
  turnId: z.string().optional(),
  messageId: z.string().optional(),
  /** `operator`: a person wrote it in by hand. Absent: the agent, from what it was told. */
  author: z.literal("operator").optional(),
  /** Milliseconds since the epoch. */
  createdAtMs: z.number(),
  /** When it was last recalled, milliseconds since the epoch. */
  lastUsedAtMs: z.number().optional(),
  /** How often it was recalled. */
  recallCount: z.number(),
  /** Facts that this one replaced. They are kept, and neither recalled nor listed unless asked for. */
  supersedes: z.array(z.string()),
  /** The fact that replaced this one. */
  supersededBy: z.string().optional(),
});
/** One thing that an agent knows across conversations. */
export type Fact = z.output<typeof factSchema>;

/** Who looks. `operator` (and dreaming, whose eyes are the agent's own) sees everything of one agent. */
export type Viewer =
  | { readonly kind: "operator" }
  | {
    readonly kind: "talk";
    /** Who asks, as `toPerson` names them. */
    readonly person?: string | undefined;
    /** Others than who asks read the answer. */
    readonly isGroup: boolean;
    /** Where the answer is read, as `toConversationId` names it. */
    readonly conversation: string;
  };

/** What the key of a fact begins with that an operator wrote in by hand. */
export const operatorKey = "operator:";

/** A fact on its way in. */
export interface NewFact {
  readonly text: string;
  readonly tags: readonly string[];
  /** From 0 to 1. */
  readonly importance: number;
  readonly audience: Audience;
  readonly person?: string | undefined;
  /** Where it was told, as `toConversationId` names it. */
  readonly conversation?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly turnId?: string | undefined;
  readonly messageId?: string | undefined;
  /** Ids of facts that it replaces. Those that the viewer cannot see are refused. */
  readonly supersedes: readonly string[];
  /** The same key stores one fact, however often it is handed in: also after a crash. */
  readonly key: string;
}

/** What a list or a recall is narrowed to. Everything that is given must hold. */
export interface FactFilter {
  /** Each of them must be on the fact. */
  readonly tags?: readonly string[] | undefined;
  readonly person?: string | undefined;
  /** Told at this time or later, milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  /** Told before this time, milliseconds since the epoch. */
  readonly beforeMs?: number | undefined;
}

/** A question to an agent's memory. */
export interface RecallQuery extends FactFilter {
  readonly text: string;
  /** How many facts at most, 1 to 50. */
  readonly limit: number;
  /** Whether the facts found count as used. An operator's search does not. */
  readonly counts: boolean;
}

/** What a recall found, best first. */
export const recalledSchema = z.object({
  facts: z.array(factSchema),
  /** `hybrid`: by words and by meaning; `words`: the vectors could not be asked, for this `reason`. */
  mode: z.enum(["hybrid", "words"]),
  reason: z.string().optional(),
});
/** What a recall found, best first. */
export type Recalled = z.output<typeof recalledSchema>;

/** A list of facts, newest first. */
export interface ListQuery extends FactFilter {
  /** 1 to 500. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** Replaced and faded facts too. */
  readonly all?: boolean | undefined;
}

/** One page of facts. */
export const factPageSchema = z.object({
  facts: z.array(factSchema),
  /** Where the next page starts; absent on the last. */
  next: z.string().optional(),
  /** Facts of the whole list that the viewer may see. */
  total: z.number(),
});
/** One page of facts. */
export type FactPage = z.output<typeof factPageSchema>;

/**
 * What agents know across conversations: one file an agent, opened when it is needed. An agent's id chooses the file,
 * so no question can reach another agent's facts. Every call throws `missing` for what cannot be an agent's id,
 * `unavailable` while the queue is full or the file cannot be used, and `timeout` past its deadline.
 */
export interface Memory {
  /**
   * Stores a fact. Resolves after the fsync that holds it; its vector may follow.
   *
   * @throws {AppError} `invalid` past a limit or for an unknown `supersedes`; `unavailable` for a full disk.
   */
  remember(agent: string, fact: NewFact, viewer: Viewer, signal: AbortSignal): Promise<Fact>;
  recall(agent: string, query: RecallQuery, viewer: Viewer, signal: AbortSignal): Promise<Recalled>;
  list(agent: string, query: ListQuery, viewer: Viewer, signal: AbortSignal): Promise<FactPage>;
  /** One fact, or `undefined` where there is none that the viewer may see. */
  find(agent: string, id: string, viewer: Viewer, signal: AbortSignal): Promise<Fact | undefined>;
  /** Deletes facts for good, with all that they replaced. Gives the ids that are gone; one that the viewer may not see is none. */
  forget(agent: string, ids: readonly string[], viewer: Viewer, signal: AbortSignal): Promise<readonly string[]>;
  /** Deletes what a person told, at every agent. Gives how many facts went, by agent. */
  forgetPerson(person: string, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Groups of facts that say nearly the same to the same audience, largest first, for merging. */
  duplicates(agent: string, limit: number, signal: AbortSignal): Promise<readonly (readonly Fact[])[]>;
  /**
   * Undoes a replacement: the facts that `id` replaced are there again, and it goes. Gives whether it was there.
   */
  restore(agent: string, id: string, signal: AbortSignal): Promise<boolean>;
  /** Sets how much facts weigh; 0 lets one fade. Ids that are gone are passed over. */
  weigh(
    agent: string,
    weights: readonly { readonly id: string; readonly importance: number }[],
    signal: AbortSignal,
  ): Promise<void>;
}

/**
 * Makes vectors of texts. Wrappers (limiter, breaker, retry, cache) keep the type.
 *
 * Throws an `AppError`: `unavailable`, `timeout`, `denied` (key refused), `invalid` (a text or an answer is refused).
 */
export interface Embedder {
  /** Names the model and what else decides what its vectors mean: another id makes other vectors. */
  readonly id: string;
  /** One vector a text, in their order, all of the same length. */
  embed(texts: readonly string[], purpose: "fact" | "question", signal: AbortSignal): Promise<readonly Float32Array[]>;
}
