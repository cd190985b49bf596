import { z } from "zod";
import { hops } from "../core/bus.ts";
import { modelCallSchema, turnWaitsSchema } from "../core/model_call.ts";
import { turnEventSchema } from "../core/turn.ts";

// One schema for each request and answer of the admin API: the listener checks requests with them, the command line
// checks answers with them, and both take their types from here.

/** What every refusal looks like, outside of `/v1`. */
export const refusalSchema = z.object({
  error: z.object({ kind: z.string(), message: z.string(), reason: z.string() }),
});

/** How one part of the process stands. */
export const subsystemSchema = z.object({
  name: z.string(),
  state: z.enum(["ok", "starting", "degraded", "down"]),
  reason: z.string().optional(),
  critical: z.boolean(),
});

/** Answer of `GET /ready`. */
export const readySchema = z.object({
  status: z.enum(["ready", "not_ready"]),
  subsystems: z.array(subsystemSchema),
});
/** Answer of `GET /ready`. */
export type Ready = z.output<typeof readySchema>;

/** An agent, as lists show it. */
export const agentViewSchema = z.object({
  id: z.string(),
  description: z.string(),
  /** Provider and model that answer now, such as `anthropic/claude-sonnet-4-5`. */
  model: z.string(),
  /** How many tools it may use. */
  tools: z.number().int(),
  /** Channel instances that it hears, such as `telegram.sales`. */
  hears: z.array(z.string()),
  /** Why it cannot answer, with the remedy. */
  trouble: z.string().optional(),
});
/** An agent, as lists show it. */
export type AgentView = z.output<typeof agentViewSchema>;

/** A channel instance, as lists show it. */
export const channelViewSchema = z.object({
  plugin: z.string(),
  instance: z.string(),
  state: z.enum(["starting", "up", "degraded", "down"]),
  /** A sentence with the remedy. Always there when the state is not `up`. */
  reason: z.string().optional(),
  /** Who the instance is with its provider: `@my_bot`. */
  identity: z.string().optional(),
  /** ISO 8601 UTC, of the newest message that came in since the process began: an open connection alone proves little. */
  lastInboundAt: z.string().optional(),
  /** ISO 8601 UTC, of the newest message that the provider took since the process began. */
  lastOutboundAt: z.string().optional(),
  /** How to link its account, while it waits for that: by scanning a QR code of this text, or by typing a code. */
  pairing: z.union([
    z.object({ qr: z.string(), expiresAt: z.string() }),
    z.object({ code: z.string() }),
  ]).optional(),
  /** Agents that hear it. */
  agents: z.array(z.string()),
});
/** A channel instance, as lists show it. */
export type ChannelView = z.output<typeof channelViewSchema>;

/** A model that could answer. */
export const modelViewSchema = z.object({
  provider: z.string(),
  model: z.string(),
  /** Whether everything that it needs is there. */
  configured: z.boolean(),
  /** What is missing, with the line that would add it. */
  missing: z.string().optional(),
});
/** A model that could answer. */
export type ModelView = z.output<typeof modelViewSchema>;

/** How much waits in a queue. */
export const queueViewSchema = z.object({
  depth: z.number().int(),
  /** Age of the oldest row; 0 while the queue is empty. */
  oldestSeconds: z.number(),
});
/** How much waits in each queue. */
export const queuesSchema = z.object({
  inbox: queueViewSchema,
  outbox: queueViewSchema,
  spill: queueViewSchema,
  dead: queueViewSchema,
});
/** How much waits in each queue. */
export type Queues = z.output<typeof queuesSchema>;

/** Answer of `GET /api/status`. */
export const statusSchema = z.object({
  version: z.string(),
  pid: z.number().int(),
  bootId: z.string(),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  ready: z.boolean(),
  subsystems: z.array(subsystemSchema),
  agents: z.array(agentViewSchema),
  channels: z.array(channelViewSchema),
  models: z.array(modelViewSchema),
  queues: queuesSchema,
  configGeneration: z.number().int(),
});
/** Answer of `GET /api/status`. */
export type Status = z.output<typeof statusSchema>;

/** Answer of `GET /api/agents`. */
export const agentsAnswerSchema = z.object({ agents: z.array(agentViewSchema) });
/** Answer of `GET /api/channels`. */
export const channelsAnswerSchema = z.object({ channels: z.array(channelViewSchema) });

/** Body of `POST /api/channels/:plugin/:instance/restart`. */
export const channelRestartSchema = z.strictObject({
  /** Forget the link with the account, so that it is linked anew. */
  unlink: z.boolean().default(false),
});
/** Answer of `POST /api/channels/:plugin/:instance/restart`. */
export const channelRestartAnswerSchema = z.object({ ok: z.literal(true) });

const pageFields = {
  /** The `next` of the page before. */
  before: z.string().min(1).max(1_000).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};

/** A page of a list, newest first. `next` is the cursor of the page after it; absent: this was the last. */
function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().optional() });
}

/** A page of a list, newest first. `next` is the cursor of the page after it; absent: this was the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** Query of `GET /api/sessions`. */
export const sessionFilterSchema = z.object({
  agent: z.string().min(1).max(200).optional(),
  /** Words that stand together in an entry of the transcript, whole or their beginnings. */
  search: z.string().min(1).max(500).optional(),
  ...pageFields,
});
/** Query of `GET /api/sessions`. */
export type SessionFilter = z.output<typeof sessionFilterSchema>;

/** A session, as lists show it. */
export const sessionViewSchema = z.object({
  id: z.string(),
  agent: z.string(),
  plugin: z.string(),
  instance: z.string(),
  conversation: z.string(),
  thread: z.string().nullable(),
  /** Who or what it is about, in the words of its beginning; may be empty. */
  title: z.string(),
  /** ISO 8601 UTC, of the newest message. */
  lastAt: z.string(),
});
/** A session, as lists show it. */
export type SessionView = z.output<typeof sessionViewSchema>;
/** Answer of `GET /api/sessions`. */
export const sessionsAnswerSchema = pageSchema(sessionViewSchema);

/** Query of `GET /api/sessions/search`. */
export const messageSearchSchema = z.object({
  /** Words that stand together in an entry, whole or their beginnings. */
  words: z.string().min(1).max(500),
  agent: z.string().min(1).max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Query of `GET /api/sessions/search`. */
export type MessageSearch = z.output<typeof messageSearchSchema>;

/** An entry of a transcript that holds the words. */
export const messageHitSchema = z.object({
  id: z.number().int(),
  sessionId: z.string(),
  /** ISO 8601 UTC. */
  at: z.string(),
  role: z.enum(["user", "assistant", "tool", "note"]),
  author: z.string().nullable(),
  /** The words around the first one that was looked for. */
  text: z.string(),
  /** It holds something that strangers to the session wrote. */
  untrusted: z.boolean(),
});
/** An entry of a transcript that holds the words. */
export type MessageHit = z.output<typeof messageHitSchema>;
/** Answer of `GET /api/sessions/search`, best first. */
export const messageHitsSchema = z.object({ items: z.array(messageHitSchema) });

/** Query of `GET /api/sessions/:id/export`. */
export const exportRequestSchema = z.object({ format: z.enum(["md", "jsonl"]).default("md") });
/** How a transcript is written: Markdown to read, or a line of JSON for each entry. */
export type ExportFormat = z.output<typeof exportRequestSchema>["format"];

/** Query of `GET /api/sessions/:id/messages`. */
export const pageRequestSchema = z.object(pageFields);
/** Query of `GET /api/sessions/:id/messages`. */
export type PageRequest = z.output<typeof pageRequestSchema>;

/** One entry of a transcript. */
export const messageViewSchema = z.object({
  id: z.number().int(),
  /** ISO 8601 UTC. */
  at: z.string(),
  /** `note`: what the runtime wrote down, such as the begin of a new session. */
  role: z.enum(["user", "assistant", "tool", "note"]),
  text: z.string(),
  /** Name of the sender, of the tool, or of whatever else wrote it. */
  author: z.string().nullable(),
  turnId: z.string().nullable(),
});
/** One entry of a transcript. */
export type MessageView = z.output<typeof messageViewSchema>;
/** Answer of `GET /api/sessions/:id/messages`. */
export const messagesAnswerSchema = pageSchema(messageViewSchema);

/** One step of a turn, as journaled. */
export const stepViewSchema = z.object({
  seq: z.number().int(),
  /** `inbound`: a message that came while the turn ran. */
  kind: z.enum(["model", "tool", "inbound"]),
  /** Model, or tool. */
  name: z.string(),
  state: z.enum(["started", "done"]),
  /** What running the tool twice would do. */
  effect: z.string().nullable(),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  /** ISO 8601 UTC. */
  finishedAt: z.string().nullable(),
  /** Of a model's answer. */
  inputTokens: z.number().int().nullable(),
  outputTokens: z.number().int().nullable(),
  costUsd: z.number().nullable(),
  /** How a model was asked. */
  call: modelCallSchema.nullable(),
  /** Why there is no good result, where there is none. */
  fault: z.string().nullable(),
  input: z.unknown(),
  output: z.unknown(),
});

/** A message that a turn answers. Rows of finished work are swept after `retention.finished`. */
export const receivedViewSchema = z.object({
  /** ISO 8601 UTC. */
  receivedAt: z.string(),
  /** Where it came from, such as `telegram.sales`. */
  channel: z.string().nullable(),
  /** The channel's own id of it. */
  providerMessageId: z.string().nullable(),
});

/** Something that a turn sends. */
export const sendViewSchema = z.object({
  channel: z.string(),
  state: z.enum(["queued", "sending", "sent", "dead"]),
  /** Whether an answer of the provider was lost, so that it may have been sent before. */
  unknown: z.boolean(),
  attempts: z.number().int(),
  /** ISO 8601 UTC. */
  queuedAt: z.string(),
  /** ISO 8601 UTC. */
  finishedAt: z.string().nullable(),
  providerMessageIds: z.array(z.string()),
  error: z.string().nullable(),
});
/** Answer of `GET /api/turns/:id`: the timeline of a turn. */
export const turnViewSchema = z.object({
  id: z.string(),
  agent: z.string(),
  sessionId: z.string(),
  state: z.enum(["running", "done"]),
  outcome: z.enum(["answered", "failed", "silent"]).nullable(),
  error: z.string().nullable(),
  model: z.string().nullable(),
  /** How often a restart picked it up again. */
  resumed: z.number().int(),
  /** ISO 8601 UTC, of the oldest message that it answers. */
  receivedAt: z.string(),
  /** ISO 8601 UTC. */
  startedAt: z.string(),
  /** ISO 8601 UTC. */
  finishedAt: z.string().nullable(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  costUsd: z.number().nullable(),
  /** When a restart picked it up again, oldest first; ISO 8601 UTC. */
  resumedAt: z.array(z.string()),
  /** When a message of it that had died was made to live again; ISO 8601 UTC. */
  replayedAt: z.array(z.string()),
  /** What it waited for before it began. Absent from turns of releases before. */
  waits: turnWaitsSchema.nullable(),
  /** What the model was asked, as the transcript keeps it. */
  question: z.string(),
  received: z.array(receivedViewSchema),
  steps: z.array(stepViewSchema),
  sends: z.array(sendViewSchema),
});
/** Answer of `GET /api/turns/:id`. */
export type TurnView = z.output<typeof turnViewSchema>;

const deadLetterConditions = {
  /** Where it died. */
  hop: z.enum(hops).optional(),
  /** Subject, or its beginning followed by `>`. */
  subject: z.string().min(1).max(500).optional(),
  /** Error kind, or reason. */
  cause: z.string().min(1).max(100).optional(),
  /** Written longer ago than this, milliseconds. */
  olderThanMs: z.coerce.number().int().nonnegative().optional(),
};

/** Query of `GET /api/dead-letters`: those that meet every condition, newest first. */
export const deadLetterFilterSchema = z.object({
  ...deadLetterConditions,
  /** Only ids below this one: the cursor of the next page. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Which dead letters a list means. */
export type DeadLetterFilter = z.output<typeof deadLetterFilterSchema>;

/** A dead letter, as lists show it. */
export const deadLetterViewSchema = z.object({
  id: z.number().int(),
  hop: z.string(),
  subject: z.string(),
  eventId: z.string(),
  agent: z.string().nullable(),
  sessionId: z.string().nullable(),
  /** Error kind of the cause. */
  kind: z.string(),
  reason: z.string().nullable(),
  message: z.string(),
  attempts: z.number().int(),
  /** ISO 8601 UTC, of the first attempt. */
  firstAt: z.string(),
  /** ISO 8601 UTC, when it died. */
  at: z.string(),
  /** ISO 8601 UTC. */
  replayedAt: z.string().nullable(),
});
/** A dead letter, as lists show it. */
export type DeadLetterView = z.output<typeof deadLetterViewSchema>;
/** Answer of `GET /api/dead-letters`. */
export const deadLettersAnswerSchema = z.object({
  items: z.array(deadLetterViewSchema),
  /** The `before` of the next page; absent: this was the last. */
  next: z.number().int().optional(),
});
/** Answer of `GET /api/dead-letters/:id`. */
export const deadLetterDetailSchema = deadLetterViewSchema.extend({
  /** The event or outbox row, whole. */
  body: z.unknown(),
});
/** A dead letter with what died. */
export type DeadLetterDetail = z.output<typeof deadLetterDetailSchema>;

/** Body of `POST /api/dead-letters/replay` and `/purge`: some by id, or all that meet the conditions. */
export const deadLetterActionSchema = z.union([
  z.strictObject({
    ids: z.array(z.number().int().positive()).min(1).max(10_000),
    dryRun: z.boolean().default(false),
  }),
  z.strictObject({ filter: z.strictObject(deadLetterConditions), dryRun: z.boolean().default(false) }),
]);
/** Dead letters by id, or all that the conditions name. */
export type DeadLetterSelection =
  | { readonly ids: readonly number[] }
  | { readonly filter: Omit<DeadLetterFilter, "before" | "limit"> };
/** Answer of `POST /api/dead-letters/replay` and `/purge`. */
export const deadLetterResultSchema = z.object({
  /** How many letters were, or with `dryRun` would be, replayed or purged. */
  count: z.number().int(),
  dryRun: z.boolean(),
});

/** Body of `POST /api/dead-letters/:id/replay`: the text that goes out instead. */
export const deadLetterEditSchema = z.strictObject({ text: z.string().trim().min(1).max(100_000) });
/** Answer of `POST /api/dead-letters/:id/replay`. */
export const deadLetterEditedSchema = z.object({ ok: z.literal(true) });

/** Body of `POST /api/people/forget`. */
export const forgetPersonSchema = z.strictObject({
  /** `plugin:id`, such as `telegram:4711`. */
  person: z.string().min(3).max(600),
  dryRun: z.boolean().default(false),
});
/** Answer of `POST /api/people/forget`: how much was, or with `dryRun` would be, deleted. */
export const forgottenSchema = z.object({
  person: z.string(),
  dryRun: z.boolean(),
  /** Whole conversations. */
  sessions: z.number().int(),
  messages: z.number().int(),
  turns: z.number().int(),
  /** Accepted events, answered or not. */
  waiting: z.number().int(),
  replies: z.number().int(),
  deadLetters: z.number().int(),
  /** Facts of long-term memory; counted when they are deleted. */
  facts: z.number().int(),
  /** Papers of agents that may speak of the person: somebody has to read them. */
  look: z.array(z.string()),
});
/** Answer of `POST /api/people/forget`. */
export type Forgotten = z.output<typeof forgottenSchema>;

const pairingStates = z.enum(["pending", "approved", "denied", "revoked", "expired"]);

/** Query of `GET /api/pairings`: newest first. */
export const pairingFilterSchema = z.object({
  /** Absent: all but those whose code has expired. */
  state: pairingStates.optional(),
  /** Only ids below this one: the cursor of the next page. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** Which people a list means. */
export type PairingFilter = z.output<typeof pairingFilterSchema>;

/** Somebody who asked to be let in. */
export const pairingViewSchema = z.object({
  id: z.number().int(),
  /** Whom they want to talk to. */
  agent: z.string(),
  plugin: z.string(),
  instance: z.string(),
  /** The provider's id of the person. */
  sender: z.string(),
  /** What they call themselves; may be empty. */
  name: z.string(),
  state: pairingStates,
  /** While it can be used. */
  code: z.string().nullable(),
  /** ISO 8601 UTC: when the newest code was given. */
  askedAt: z.string(),
  /** ISO 8601 UTC: when the newest code ends. */
  expiresAt: z.string(),
  /** ISO 8601 UTC. */
  decidedAt: z.string().nullable(),
  /** Door through which it was decided: `console`, `cli`, `api`; `clock` for a code that expired. */
  decidedBy: z.string().nullable(),
});
/** Somebody who asked to be let in; also the answer of `POST /api/pairings/approve`, `/deny` and `/revoke`. */
export type PairingView = z.output<typeof pairingViewSchema>;
/** Answer of `GET /api/pairings`. */
export const pairingsAnswerSchema = z.object({
  items: z.array(pairingViewSchema),
  /** The `before` of the next page; absent: this was the last. */
  next: z.number().int().optional(),
});

const pairingId = z.strictObject({ id: z.number().int().positive() });
/** Body of `POST /api/pairings/approve` and `/deny`. */
export const pairingWhomSchema = z.union([z.strictObject({ code: z.string().trim().min(1).max(100) }), pairingId]);
/** Somebody, by the code that they were given or by the number that lists show. */
export type PairingWhom = z.output<typeof pairingWhomSchema>;
/** Body of `POST /api/pairings/revoke`: somebody who was let in has no code any more. */
export const pairingRevocationSchema = pairingId;

/** Query of `GET /api/audit`: newest first. */
export const auditFilterSchema = z.object({
  /** Only ids below this one: the cursor of the next page. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** One thing that was done. */
export const auditEntrySchema = z.object({
  id: z.number().int(),
  /** ISO 8601 UTC. */
  at: z.string(),
  /** `console`, `api`, `cli`; `gate` and `clock` are the process itself. */
  actor: z.string(),
  /** Such as `pairing.approved`. */
  action: z.string(),
  agent: z.string().nullable(),
  /** What it was done to. */
  target: z.string(),
});
/** One thing that was done. */
export type AuditEntry = z.output<typeof auditEntrySchema>;
/** Answer of `GET /api/audit`. */
export const auditAnswerSchema = z.object({
  items: z.array(auditEntrySchema),
  /** The `before` of the next page; absent: this was the last. */
  next: z.number().int().optional(),
});

/** Body of `POST /api/chat`. */
export const chatRequestSchema = z.object({
  agent: z.string().min(1).max(63),
  /** Absent: a new conversation, whose name the `accepted` event tells. */
  conversation: z.string().min(1).max(500).optional(),
  /** May be empty where there are images. */
  text: z.string().max(1_000_000),
  /** As `data:image/…;base64,…`. */
  images: z.array(z.string().max(20_000_000)).max(10).optional(),
  /** The same key is the same message: a second one only waits for the answer to the first. */
  key: z.string().min(1).max(500).optional(),
}).refine(({ text, images }) => text !== "" || (images?.length ?? 0) > 0, {
  path: ["text"],
  message: "must not be empty",
});
/** Body of `POST /api/chat`. */
export type ChatRequest = z.output<typeof chatRequestSchema>;

/** An event of the stream that `POST /api/chat` answers with: `accepted`, the turn's events, then `reply` or `error`. */
export const chatEventSchema = z.union([
  z.object({
    type: z.literal("accepted"),
    conversation: z.string(),
    key: z.string(),
    /** The message was accepted before. */
    duplicate: z.boolean(),
  }),
  turnEventSchema,
  z.object({
    type: z.literal("reply"),
    outcome: z.enum(["answered", "failed", "silent"]),
    /** The whole reply, as it went out; replaces what was streamed. */
    text: z.string(),
    turnId: z.string(),
    /** Why no answer could be made, where the outcome is `failed`. */
    error: z.object({ kind: z.string(), message: z.string() }).optional(),
  }),
  z.object({
    type: z.literal("error"),
    error: z.object({ kind: z.string(), message: z.string(), reason: z.string() }),
  }),
]);
/** An event of the stream that `POST /api/chat` answers with. */
export type ChatEvent = z.output<typeof chatEventSchema>;

/** Body of `POST /api/login`. */
export const loginRequestSchema = z.object({ token: z.string().max(1_000) });
/** Answer of `POST /api/login` and `POST /api/logout`. */
export const loginAnswerSchema = z.object({ ok: z.literal(true) });

/** One entry of the process's log. */
export const logEntryViewSchema = z.object({
  /** ISO 8601 UTC. */
  at: z.string(),
  level: z.enum(["debug", "info", "warn", "error"]),
  /** A fixed dotted name: `turn.ended`. */
  event: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).optional()),
});
/** One entry of the process's log. */
export type LogEntryView = z.output<typeof logEntryViewSchema>;

/** Query of `GET /api/logs`. Other parameters are fields that an entry must have. */
export const logQuerySchema = z.object({
  /** This level and louder ones. */
  level: logEntryViewSchema.shape.level.optional(),
  /** Beginning of the event's name. */
  event: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(2_000).default(200),
  /** Stream later entries too, as server-sent events. */
  follow: z.literal("1").optional(),
}).catchall(z.string().max(2_000));

/** Answer of `GET /api/logs` without `follow`, oldest first. */
export const logsAnswerSchema = z.object({ items: z.array(logEntryViewSchema) });

const day = z.string().refine((text) => !Number.isNaN(Date.parse(text)), "is no date; write it as 2026-11-22");

/** Which facts of an agent's memory. */
export const factFilterRequestSchema = z.object({
  /** Tags that a fact must carry, joined by commas. */
  tag: z.string().max(2_000).optional(),
  person: z.string().max(300).optional(),
  /** Told on this day or at this time, or later. */
  since: day.optional(),
  /** Told before this day or time. */
  before: day.optional(),
});
/** Which facts of an agent's memory. */
export type FactFilterRequest = z.output<typeof factFilterRequestSchema>;

/** Query of `GET /api/agents/AGENT/memory`. */
export const factListRequestSchema = factFilterRequestSchema.extend({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  after: z.string().max(64).optional(),
  /** Replaced and faded facts too. */
  all: z.literal("1").optional(),
});
/** Query of `GET /api/agents/AGENT/memory/search`. */
export const factSearchRequestSchema = factFilterRequestSchema.extend({
  q: z.string().min(1).max(4_000),
  limit: z.coerce.number().int().min(1).max(50).default(10),
});
/** Body of `POST /api/agents/AGENT/memory/forget`. */
export const forgetRequestSchema = z.object({ ids: z.array(z.string().max(64)).min(1).max(500) });
/** Its answer. */
export const forgetAnswerSchema = z.object({ forgotten: z.array(z.string()) });

/** What went on in the last hour, and what was spent. */
export const activitySchema = z.object({
  /** Turns that ended in the last hour. */
  turns: z.object({
    ended: z.number().int(),
    failed: z.number().int(),
    /** Median of a turn's time without its models' and tools' own, milliseconds: what this process adds. */
    addedMs: z.number().nullable(),
    /** Median of the time that a turn's models took, milliseconds. */
    modelMs: z.number().nullable(),
  }),
  /** Turns that run now, by agent. */
  running: z.array(z.object({ agent: z.string(), turns: z.number().int() })),
  /** Messages in and out in the last hour, by channel instance such as `telegram.sales`. */
  channels: z.array(z.object({ channel: z.string(), received: z.number().int(), sent: z.number().int() })),
  /** How many people wait to be let in. */
  strangers: z.number().int(),
  /** Since midnight, UTC. */
  spentToday: z.array(z.object({ agent: z.string(), costUsd: z.number(), tokens: z.number().int() })),
  /** Answers of the last hour, with their median and 95th percentile in milliseconds. */
  models: z.array(z.object({ model: z.string(), calls: z.number().int(), medianMs: z.number(), slowMs: z.number() })),
});
/** What went on in the last hour, and what was spent. */
export type Activity = z.output<typeof activitySchema>;

/** Query of `GET /api/usage`. */
export const usageQuerySchema = z.object({ days: z.coerce.number().int().min(1).max(366).default(31) });
/** What one agent used of one model on one day. */
export const usageRowSchema = z.object({
  agent: z.string(),
  /** `YYYY-MM-DD`, UTC. */
  day: z.string(),
  provider: z.string(),
  model: z.string(),
  calls: z.number().int(),
  inputTokens: z.number().int(),
  outputTokens: z.number().int(),
  costUsd: z.number(),
});
/** What one agent used of one model on one day. */
export type UsageRow = z.output<typeof usageRowSchema>;
/** Answer of `GET /api/usage`, newest day first. */
export const usageAnswerSchema = z.object({ items: z.array(usageRowSchema) });
