import { z } from "zod";
import type { LedgerReader, Row, SqlValue, Statement } from "../core/ledger.ts";
import type { ModelCall, TurnWaits } from "../core/model_call.ts";
import { toolCallSchema, toolResultSchema, type TranscriptEntry, transcriptEntrySchema } from "../core/transcript.ts";

/** What a turn is at its start. */
export interface TurnStart {
  readonly id: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly bootId: string;
  /** What the model is asked, after the hooks: kept, so that a resumed turn asks the same. */
  readonly input: TranscriptEntry;
  readonly receivedAtMs: number;
  readonly startedAtMs: number;
  readonly waits?: TurnWaits | undefined;
  /** An earlier process had accepted what it answers, and ended. */
  readonly isInherited?: boolean | undefined;
}

/** What a turn is at its end. */
export interface TurnEnd {
  readonly id: string;
  readonly outcome: "answered" | "failed" | "silent";
  readonly error?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** `undefined` where a price is not known. */
  readonly costUsd: number | undefined;
  readonly finishedAtMs: number;
}

const modelOutputSchema = z.object({
  text: z.string(),
  toolCalls: z.array(toolCallSchema),
  providerState: z.unknown().optional(),
  provider: z.string(),
  model: z.string(),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    cacheReadTokens: z.number(),
    cacheWriteTokens: z.number(),
  }),
  costUsd: z.number().optional(),
});
/** A model's answer, as journaled. */
export type ModelOutput = z.output<typeof modelOutputSchema>;

const toolOutputSchema = z.object({ result: toolResultSchema, untrusted: z.boolean() });
/** A tool's answer, as journaled. */
export type ToolOutput = z.output<typeof toolOutputSchema>;

/** One journaled step of a turn. */
export type Step =
  | { readonly kind: "model"; readonly seq: number; readonly output: ModelOutput }
  | {
    readonly kind: "tool";
    readonly seq: number;
    readonly callId: string;
    readonly tool: string;
    readonly effect: string;
    /** Absent: the tool had started and nobody saw its result. */
    readonly output: ToolOutput | undefined;
  }
  /** A message that joined the running turn. */
  | { readonly kind: "inbound"; readonly seq: number; readonly entry: TranscriptEntry };

/** Journals that a turn runs. */
export function startTurn(turn: TurnStart): Statement {
  return {
    sql: `INSERT INTO turns
        (id, agent, session_id, state, boot_id, input, received_at, started_at, waits, resumed, resumed_at)
      VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    values: [
      turn.id,
      turn.agent,
      turn.sessionId,
      turn.bootId,
      JSON.stringify(turn.input),
      turn.receivedAtMs,
      turn.startedAtMs,
      turn.waits === undefined ? null : JSON.stringify(turn.waits),
      turn.isInherited ? 1 : 0,
      turn.isInherited ? JSON.stringify([turn.startedAtMs]) : null,
    ],
  };
}

/** Journals that a turn goes on in this process. */
export function resumeTurn(id: string, bootId: string, nowMs: number): Statement {
  return {
    sql: `UPDATE turns SET boot_id = ?, resumed = resumed + 1,
      resumed_at = json_insert(coalesce(resumed_at, '[]'), '$[#]', ?) WHERE id = ?`,
    values: [bootId, nowMs, id],
  };
}

/** Journals the end of a turn. */
export function endTurn(end: TurnEnd): Statement {
  return {
    sql: `UPDATE turns SET state = 'done', outcome = ?, error = ?, provider = ?, model = ?, input_tokens = ?,
      output_tokens = ?, cost_usd = ?, finished_at = ? WHERE id = ?`,
    values: [
      end.outcome,
      end.error ?? null,
      end.provider ?? null,
      end.model ?? null,
      end.inputTokens,
      end.outputTokens,
      end.costUsd ?? null,
      end.finishedAtMs,
      end.id,
    ],
  };
}

const callPrefix = "call-";

/** The id of the turn that is one call of a tool from outside. */
export function toCallTurnId(id: string): string {
  return callPrefix + id;
}

/** Calls from outside that ended with their process, which was not `bootId`. */
export function readCutCalls(read: LedgerReader, bootId: string): readonly string[] {
  return read.all(
    `SELECT id FROM turns WHERE state = 'running' AND boot_id != ? AND substr(id, 1, ?) = ?`,
    bootId,
    callPrefix.length,
    callPrefix,
  ).map((row) => String(row.id));
}

/** Journals a model's answer. */
export function recordModelStep(
  turnId: string,
  seq: number,
  output: ModelOutput,
  call: ModelCall,
  startedAtMs: number,
  finishedAtMs: number,
): Statement {
  return {
    sql: `INSERT INTO steps
        (turn_id, seq, kind, state, name, input, output, input_tokens, output_tokens, cost_usd, started_at, finished_at)
      VALUES (?, ?, 'model', 'done', ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    values: [
      turnId,
      seq,
      `${output.provider}/${output.model}`,
      JSON.stringify(call),
      JSON.stringify(output),
      output.usage.inputTokens,
      output.usage.outputTokens,
      output.costUsd ?? null,
      startedAtMs,
      finishedAtMs,
    ],
  };
}

/** Journals that no model answered. Belongs into the unit that ends the turn: nothing goes on from here. */
export function recordFailedModelStep(
  turnId: string,
  seq: number,
  { name, error, call }: {
    /** Provider and model that were to answer. */
    readonly name: string;
    readonly error: { readonly kind: string; readonly message: string };
    readonly call: ModelCall;
  },
  startedAtMs: number,
  finishedAtMs: number,
): Statement {
  return {
    sql: `INSERT INTO steps (turn_id, seq, kind, state, name, input, output, started_at, finished_at)
      VALUES (?, ?, 'model', 'done', ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    values: [turnId, seq, name, JSON.stringify(call), JSON.stringify({ error }), startedAtMs, finishedAtMs],
  };
}

/** Journals that a tool is about to run. */
export function startToolStep(
  turnId: string,
  seq: number,
  call: { readonly id: string; readonly name: string; readonly input: unknown },
  effect: string,
  startedAtMs: number,
): Statement {
  return {
    sql: `INSERT INTO steps (turn_id, seq, kind, state, name, call_id, effect, input, started_at)
      VALUES (?, ?, 'tool', 'started', ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    values: [turnId, seq, call.name, call.id, effect, JSON.stringify(call.input ?? null), startedAtMs],
  };
}

/** Journals a tool's result. */
export function finishToolStep(turnId: string, seq: number, output: ToolOutput, finishedAtMs: number): Statement {
  return {
    sql: `UPDATE steps SET state = 'done', output = ?, finished_at = ? WHERE turn_id = ? AND seq = ?`,
    values: [JSON.stringify(output), finishedAtMs, turnId, seq],
  };
}

/** Journals a message that joined the running turn. */
export function recordInboundStep(turnId: string, seq: number, entry: TranscriptEntry, atMs: number): Statement {
  return {
    sql: `INSERT INTO steps (turn_id, seq, kind, state, name, input, started_at, finished_at)
      VALUES (?, ?, 'inbound', 'done', 'message', ?, ?, ?) ON CONFLICT DO NOTHING`,
    values: [turnId, seq, JSON.stringify(entry), atMs, atMs],
  };
}

/** A turn that was running when its process died. */
export interface InterruptedTurn {
  readonly id: string;
  readonly input: TranscriptEntry;
  readonly startedAtMs: number;
  readonly steps: readonly Step[];
}

/**
 * The journal of a turn that is not done, or `undefined`. The session is asked for too: where a channel has passed to
 * another agent meanwhile, that one must not see what the first was told.
 */
export function readInterruptedTurn(read: LedgerReader, id: string, sessionId: string): InterruptedTurn | undefined {
  const row = read.get(
    `SELECT input, started_at FROM turns WHERE id = ? AND session_id = ? AND state = 'running'`,
    id,
    sessionId,
  );
  if (row === undefined) return undefined;
  const steps = read.all(`SELECT * FROM steps WHERE turn_id = ? ORDER BY seq`, id).map(toStep);
  return {
    id,
    input: transcriptEntrySchema.parse(parseJson(row.input)),
    startedAtMs: Number(row.started_at),
    steps,
  };
}

function toStep(row: Row): Step {
  const seq = Number(row.seq);
  switch (row.kind) {
    case "model":
      return { kind: "model", seq, output: modelOutputSchema.parse(parseJson(row.output)) };
    case "inbound":
      return { kind: "inbound", seq, entry: transcriptEntrySchema.parse(parseJson(row.input)) };
    default:
      return {
        kind: "tool",
        seq,
        callId: String(row.call_id),
        tool: String(row.name),
        effect: String(row.effect),
        output: row.state === "done" ? toolOutputSchema.parse(parseJson(row.output)) : undefined,
      };
  }
}

function parseJson(value: SqlValue | undefined): unknown {
  return JSON.parse(String(value));
}
