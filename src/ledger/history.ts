import { z } from "zod";
import type { Ledger, Row, SqlValue } from "../core/ledger.ts";
import { type ModelCall, modelCallSchema, type TurnWaits, turnWaitsSchema } from "../core/model_call.ts";
import { receiptSchema } from "../core/message.ts";
import type { ToolContent } from "../core/tool.ts";
import { type TranscriptEntry, transcriptEntrySchema } from "../core/transcript.ts";
import { type ExportFormat, exportSession } from "./export.ts";
import { findNewest, type MessageHit, type MessageSearch, searchMessages } from "./search.ts";

/** A page of a list, newest first. `next` is the cursor of the page after it; absent: this was the last. */
interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Which sessions a list means. */
export interface SessionSearch {
  readonly agent?: string | undefined;
  /** Words that stand together in an entry of the transcript, whole or their beginnings. */
  readonly search?: string | undefined;
  /** Plugin and instance, such as `telegram.sales`. */
  readonly channel?: string | undefined;
  /** Somebody who was heard in it, as the channel names them: `telegram:4711`, or `4711`. */
  readonly person?: string | undefined;
  /** Milliseconds since the epoch: their newest message came then or later, and before `untilMs`. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** The `next` of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A session, as lists show it. */
export interface SessionSummary {
  readonly id: string;
  readonly agent: string;
  readonly plugin: string;
  readonly instance: string;
  readonly conversation: string;
  readonly thread: string | null;
  /** Beginning of the first message. */
  readonly title: string;
  /** ISO 8601 UTC, of the newest message. */
  readonly lastAt: string;
}

/** One entry of a transcript, as a person reads it. */
export interface EntryView {
  readonly id: number;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly role: TranscriptEntry["role"];
  readonly text: string;
  readonly author: string | null;
  readonly turnId: string | null;
  /** Tools that a model called in it. */
  readonly calls: { readonly id: string; readonly name: string; readonly input: unknown }[];
  /** What tools answered. */
  readonly results: {
    readonly callId: string;
    readonly name: string;
    readonly text: string;
    readonly isError: boolean;
  }[];
}

/** One journaled step, as a person reads it. */
export interface StepView {
  readonly seq: number;
  readonly kind: "model" | "tool" | "inbound";
  readonly name: string;
  readonly state: "started" | "done";
  readonly effect: string | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** Of a model's answer. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costUsd: number | null;
  /** How a model was asked. */
  readonly call: ModelCall | null;
  /** Why there is no good result, where there is none. */
  readonly fault: string | null;
  readonly input: unknown;
  readonly output: unknown;
}

/** A message that a turn answers. */
export interface ReceivedView {
  readonly receivedAt: string;
  /** Where it came from, such as `telegram.sales`; the channel's own id of it. */
  readonly channel: string | null;
  readonly providerMessageId: string | null;
}

/** Something that a turn sends. */
export interface SendView {
  readonly channel: string;
  readonly state: "queued" | "sending" | "sent" | "dead";
  /** Whether an answer of the provider was lost, so that it may have been sent before. */
  readonly unknown: boolean;
  readonly attempts: number;
  readonly queuedAt: string;
  readonly finishedAt: string | null;
  readonly providerMessageIds: string[];
  readonly error: string | null;
}

/** The timeline of a turn. Times are ISO 8601 UTC. */
export interface TurnTimeline {
  readonly id: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly state: "running" | "done";
  readonly outcome: "answered" | "failed" | "silent" | null;
  readonly error: string | null;
  readonly model: string | null;
  readonly resumed: number;
  readonly receivedAt: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number | null;
  /** When a restart picked it up again, oldest first. */
  readonly resumedAt: string[];
  /** When a message of it that had died was made to live again. */
  readonly replayedAt: string[];
  readonly waits: TurnWaits | null;
  /** Under which a collector has its spans, where there is one. */
  readonly traceId: string | null;
  /** What the model was asked, as the transcript keeps it. */
  readonly question: string;
  readonly received: ReceivedView[];
  readonly steps: StepView[];
  readonly sends: SendView[];
}

/** What was said and done, for people: lists by keyset, so that a page costs the same however long the list is. */
export interface History {
  sessions(search: SessionSearch, signal: AbortSignal): Promise<Page<SessionSummary>>;
  /** Newest first. `before` is an id. */
  messages(
    sessionId: string,
    page: { readonly before?: string | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<Page<EntryView>>;
  /** Entries that hold the words, best first; newest first where very many do. */
  search(search: MessageSearch, signal: AbortSignal): Promise<readonly MessageHit[]>;
  /** A whole transcript. @throws {AppError} `missing` where there is no such session. */
  export(sessionId: string, format: ExportFormat, signal: AbortSignal): AsyncIterable<string>;
  /** `undefined` where there is no such turn. */
  turn(id: string, signal: AbortSignal): Promise<TurnTimeline | undefined>;
}

/** Newest entries with the words whose sessions are listed: a word that stands everywhere must not cost everything. */
const maxHits = 10_000;

/** What the steps of a turn show of what went into them and came out, characters; a step of many shows its beginning. */
const maxShownChars = 2_000_000;
const leastShownChars = 2_000;

const shown = (column: "input" | "output") =>
  `iif(octet_length(${column}) > bound, NULL, ${column}) AS ${column},
    iif(octet_length(${column}) > bound, substr(${column}, 1, bound), NULL) AS ${column}_beginning`;
const stepsSql = `SELECT seq, kind, name, state, effect, started_at, finished_at, steps.input_tokens,
    steps.output_tokens, steps.cost_usd, ${shown("input")}, ${shown("output")},
    iif(octet_length(output) > bound, output ->> '$.result.isError', NULL) AS failed
  FROM (SELECT max(?, ? / max(1, count(*))) AS bound FROM steps WHERE turn_id = ?) CROSS JOIN steps
  WHERE turn_id = ? ORDER BY seq`;

/** Makes the {@linkcode History} of a ledger. */
export function newHistory(ledger: Pick<Ledger, "query">): History {
  return {
    async sessions({ agent, search, channel, person, sinceMs, untilMs, before, limit }, signal) {
      const conditions = ["1 = 1"];
      const values: SqlValue[] = [];
      const cursor = parseCursor(before);
      if (agent !== undefined) {
        conditions.push("s.agent = ?");
        values.push(agent);
      }
      if (cursor !== undefined) {
        conditions.push("(s.last_at, s.id) < (?, ?)");
        values.push(cursor.lastAt, cursor.id);
      }
      if (channel !== undefined) {
        const dot = channel.indexOf(".");
        conditions.push("s.plugin = ? AND s.instance = ?");
        values.push(channel.slice(0, Math.max(0, dot)), channel.slice(dot + 1));
      }
      if (person !== undefined) {
        conditions.push(`s.id IN (SELECT session_id FROM session_people
          WHERE person = ? OR (instr(?, ':') = 0 AND substr(person, instr(person, ':') + 1) = ?))`);
        values.push(person, person, person);
      }
      if (sinceMs !== undefined) {
        conditions.push("s.last_at >= ?");
        values.push(sinceMs);
      }
      if (untilMs !== undefined) {
        conditions.push("s.last_at < ?");
        values.push(untilMs);
      }
      if (search !== undefined) {
        conditions.push(`s.id IN (SELECT session_id FROM messages WHERE id IN (SELECT value FROM json_each(?)))`);
        values.push(JSON.stringify(await findNewest(ledger, search, maxHits, signal)));
      }
      const rows = await ledger.query({
        sql: `SELECT s.* FROM sessions s WHERE ${conditions.join(" AND ")} ORDER BY s.last_at DESC, s.id DESC LIMIT ?`,
        values: [...values, limit + 1],
      }, signal);
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      const next = rows.length > limit && last !== undefined ? `${last.last_at}:${last.id}` : undefined;
      return { items: items.map(toSessionSummary), ...(next === undefined ? {} : { next }) };
    },
    async messages(sessionId, { before, limit }, signal) {
      const rows = await ledger.query({
        sql:
          `SELECT id, at, role, body, turn_id FROM messages WHERE session_id = ? AND id < ? ORDER BY id DESC LIMIT ?`,
        values: [sessionId, before === undefined ? Number.MAX_SAFE_INTEGER : Number(before) || 0, limit + 1],
      }, signal);
      const items = rows.slice(0, limit);
      const next = rows.length > limit ? items.at(-1)?.id : undefined;
      return { items: items.map(toEntryView), ...(next === undefined ? {} : { next: String(next) }) };
    },
    search: (search, signal) => searchMessages(ledger, search, signal),
    export: (sessionId, format, signal) => exportSession(ledger, sessionId, format, signal),
    async turn(id, signal) {
      const [row] = await ledger.query({ sql: `SELECT * FROM turns WHERE id = ?`, values: [id] }, signal);
      if (row === undefined) return undefined;
      const [steps, received, sends, replays] = await Promise.all([
        ledger.query({ sql: stepsSql, values: [leastShownChars, maxShownChars, id, id] }, signal),
        ledger.query({
          sql: `SELECT received_at, plugin, instance, provider_id, json_extract(event, '$.traceparent') AS trace
            FROM inbox WHERE turn_id = ? ORDER BY id`,
          values: [id],
        }, signal),
        ledger.query({ sql: `SELECT * FROM outbox WHERE turn_id = ? ORDER BY id`, values: [id] }, signal),
        ledger.query({
          sql: `SELECT replayed_at FROM dead WHERE replayed_at IS NOT NULL AND hop <> 'outbound'
            AND row_id IN (SELECT id FROM inbox WHERE turn_id = ?) ORDER BY replayed_at`,
          values: [id],
        }, signal),
      ]);
      const replayedAt = replays.map((replay) => toIso(replay.replayed_at) ?? "");
      const timeline = toTimeline(row);
      return {
        ...timeline,
        // An old row that an operator made to live again was not left behind by a process that ended.
        resumedAt: timeline.resumedAt.filter((at) => replayedAt.length === 0 || at !== timeline.startedAt),
        replayedAt,
        traceId: toTraceId(received[0]?.trace) ?? toTraceId(sends.map(toOutbound)[0]?.traceparent) ?? null,
        received: received.map(toReceived),
        steps: steps.map(toStep),
        sends: sends.map(toSend),
      };
    },
  };
}

function parseCursor(text: string | undefined): { readonly lastAt: number; readonly id: string } | undefined {
  const found = text === undefined ? null : /^(\d+):(.+)$/.exec(text);
  return found === null ? undefined : { lastAt: Number(found[1]), id: found[2] ?? "" };
}

function toSessionSummary(row: Row): SessionSummary {
  return {
    id: String(row.id),
    agent: String(row.agent),
    plugin: String(row.plugin),
    instance: String(row.instance),
    conversation: String(row.conversation),
    thread: typeof row.thread === "string" ? row.thread : null,
    title: String(row.title),
    lastAt: toIso(row.last_at) ?? "",
  };
}

function toEntryView(row: Row): EntryView {
  const entry = parseEntry(String(row.body));
  return {
    id: Number(row.id),
    at: toIso(row.at) ?? "",
    role: entry.role,
    text: toText(entry),
    author: toAuthor(entry),
    turnId: typeof row.turn_id === "string" ? row.turn_id : null,
    calls: entry.role === "assistant" ? entry.toolCalls.map(({ id, name, input }) => ({ id, name, input })) : [],
    results: entry.role === "tool"
      ? entry.results.map(({ callId, name, content, isError }) => ({ callId, name, text: toWords(content), isError }))
      : [],
  };
}

function toReceived(row: Row): ReceivedView {
  return {
    receivedAt: toIso(row.received_at) ?? "",
    channel: typeof row.plugin === "string" ? `${row.plugin}.${row.instance}` : null,
    providerMessageId: typeof row.provider_id === "string" ? row.provider_id : null,
  };
}

const outboundTraceSchema = z.object({ traceparent: z.string().optional() });

function toOutbound(row: Row) {
  return outboundTraceSchema.parse(parseJson(row.body));
}

/** The second part of https://www.w3.org/TR/trace-context/#traceparent-header. */
function toTraceId(traceparent: SqlValue | undefined): string | undefined {
  return typeof traceparent === "string" ? traceparent.split("-")[1] : undefined;
}

function toSend(row: Row): SendView {
  const { state } = row;
  const receipt = typeof row.receipt === "string" ? receiptSchema.parse(JSON.parse(row.receipt)) : undefined;
  return {
    channel: `${row.plugin}.${row.instance}`,
    state: state === "sending" || state === "sent" || state === "dead" ? state : "queued",
    unknown: row.unknown === 1,
    attempts: Number(row.attempts),
    queuedAt: toIso(row.created_at) ?? "",
    finishedAt: toIso(row.finished_at),
    providerMessageIds: receipt?.providerMessageIds ?? [],
    error: typeof row.error === "string" ? row.error : null,
  };
}

function toStep(step: Row): StepView {
  const input = typeof step.input_beginning === "string" ? { text: `${step.input_beginning}…` } : parseJson(step.input);
  const output = typeof step.output_beginning === "string"
    ? toCut(step, `${step.output_beginning}…`)
    : parseJson(step.output);
  return {
    seq: Number(step.seq),
    kind: step.kind === "model" || step.kind === "inbound" ? step.kind : "tool",
    name: String(step.name),
    state: step.state === "done" ? "done" : "started",
    effect: typeof step.effect === "string" ? step.effect : null,
    startedAt: toIso(step.started_at) ?? "",
    finishedAt: toIso(step.finished_at),
    inputTokens: toNumber(step.input_tokens),
    outputTokens: toNumber(step.output_tokens),
    costUsd: toNumber(step.cost_usd),
    call: step.kind === "model" ? modelCallSchema.safeParse(input).data ?? null : null,
    fault: faultSchema.safeParse(output).data ?? null,
    input: step.kind === "model" ? null : input,
    output,
  };
}

/** An output of which only the beginning is shown, in the shape of a whole one. */
function toCut(step: Row, text: string): unknown {
  return step.kind === "tool"
    ? { result: { isError: step.failed === 1, content: [{ type: "text", text }] } }
    : { text };
}

/** What a step's output says where it is no good one. */
const faultSchema = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({
    result: z.object({
      isError: z.literal(true),
      content: z.array(z.looseObject({ text: z.string().default("") })),
    }),
  }).transform(({ result }) => result.content.map(({ text }) => text).join("\n")),
]);

function toTimeline(row: Row): Omit<TurnTimeline, "received" | "steps" | "sends" | "replayedAt" | "traceId"> {
  const { outcome } = row;
  return {
    id: String(row.id),
    agent: String(row.agent),
    sessionId: String(row.session_id),
    state: row.state === "done" ? "done" : "running",
    outcome: outcome === "answered" || outcome === "failed" || outcome === "silent" ? outcome : null,
    error: typeof row.error === "string" ? row.error : null,
    model: typeof row.model === "string" ? `${row.provider}/${row.model}` : null,
    waits: turnWaitsSchema.safeParse(parseJson(row.waits)).data ?? null,
    question: toText(parseEntry(String(row.input))),
    resumed: Number(row.resumed),
    receivedAt: toIso(row.received_at) ?? "",
    startedAt: toIso(row.started_at) ?? "",
    finishedAt: toIso(row.finished_at),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    costUsd: toNumber(row.cost_usd),
    resumedAt: z.array(z.number()).parse(parseJson(row.resumed_at) ?? []).map((at) => new Date(at).toISOString()),
  };
}

function parseEntry(body: string): TranscriptEntry {
  return transcriptEntrySchema.parse(JSON.parse(body));
}

/** An entry in words, without the calls in it. */
function toText(entry: TranscriptEntry): string {
  switch (entry.role) {
    case "user":
      return [
        entry.text,
        ...(entry.attachments ?? []).map(({ kind, name }) => `[${kind} ${name ?? ""}]`),
        ...(entry.quotedTail === undefined ? [] : ["", entry.quotedTail]),
      ].join("\n");
    case "assistant":
      return entry.text;
    case "tool":
      return entry.results.map(({ content }) => toWords(content)).join("\n");
    case "note":
      return entry.text;
  }
}

function toWords(content: readonly ToolContent[]): string {
  return content.map((part) =>
    part.type === "text" ? part.text : part.type === "json" ? JSON.stringify(part.value) : "[image]"
  ).join("\n");
}

function toAuthor(entry: TranscriptEntry): string | null {
  if (entry.role === "user") return entry.sender ?? null;
  return entry.role === "tool" ? entry.results.map(({ name }) => name).join(", ") : null;
}

function toIso(value: SqlValue | undefined): string | null {
  return typeof value === "number" ? new Date(value).toISOString() : null;
}

function toNumber(value: SqlValue | undefined): number | null {
  return typeof value === "number" ? value : null;
}

function parseJson(value: SqlValue | undefined): unknown {
  return typeof value === "string" ? JSON.parse(value) : null;
}
