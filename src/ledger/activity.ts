import type { Ledger, Row, Statement } from "../core/ledger.ts";

/** What went on in the last hour, and what was spent. Times are in milliseconds, money in US dollars. */
export interface Activity {
  /** Turns that ended in the last hour; times are of the newest {@linkcode maxTurns} of them. */
  readonly turns: {
    readonly ended: number;
    readonly failed: number;
    /** Median of a turn's time without its models' and tools' own: what this process adds. */
    readonly addedMs: number | null;
    /** Median of the time that a turn's models took. */
    readonly modelMs: number | null;
  };
  readonly running: { readonly agent: string; readonly turns: number }[];
  /** Messages in and out in the last hour, by channel instance such as `telegram.sales`. */
  readonly channels: { readonly channel: string; readonly received: number; readonly sent: number }[];
  /** How many people wait to be let in. */
  readonly strangers: number;
  /** Since midnight, UTC. */
  readonly spentToday: { readonly agent: string; readonly costUsd: number; readonly tokens: number }[];
  /** Answers of the last hour by provider and model. */
  readonly models: {
    readonly model: string;
    readonly calls: number;
    readonly medianMs: number;
    readonly slowMs: number;
  }[];
}

/** One row of what was used on a day, or in a month. */
export interface UsageRow {
  readonly agent: string;
  /** `YYYY-MM-DD`, UTC; of a month its first. */
  readonly day: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

/** What became of the calls of one tool. */
export interface ToolCalls {
  readonly calls: number;
  readonly errors: number;
  /** Median of their time, milliseconds. */
  readonly medianMs: number | null;
  /** Time that 95 of 100 calls stay below, milliseconds. */
  readonly slowMs: number | null;
}

const hourMs = 3_600_000;
const minuteMs = 60_000;
/** Enough for a median, and few enough for a page that asks every few seconds. */
const maxTurns = 200;
/** A page of tools asks once, and some tools are called rarely. */
const maxToolTurns = 500;
/** A turn may have many. */
const maxSteps = 5_000;

/** Reads {@linkcode Activity} in the reader worker. */
export async function readActivity(
  ledger: Pick<Ledger, "query">,
  nowMs: number,
  signal: AbortSignal,
): Promise<Activity> {
  const since = nowMs - hourMs;
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const ask = (sql: string, ...values: (string | number)[]) => ledger.query({ sql, values }, signal);
  const [steps, running, traffic, strangers, spent] = await Promise.all([
    ask(
      `SELECT t.id, t.total, s.kind, s.name, s.finished_at - s.started_at AS took, s.input_tokens IS NOT NULL AS answered
        FROM (SELECT id, finished_at - started_at AS total FROM turns
          WHERE state = 'done' AND finished_at > ? ORDER BY finished_at DESC LIMIT ?) t
        LEFT JOIN steps s ON s.turn_id = t.id AND s.kind IN ('model', 'tool') LIMIT ?`,
      since,
      maxTurns,
      maxSteps,
    ),
    ask(`SELECT agent, count(*) AS turns FROM turns WHERE state = 'running' GROUP BY agent`),
    ask(`SELECT what, name, sum(count) AS number FROM traffic WHERE minute > ? GROUP BY what, name`, toMinute(since)),
    ask(`SELECT count(*) AS number FROM pairing WHERE state = 'pending' AND expires_at > ?`, nowMs),
    ask(
      `SELECT agent, total(cost_usd) AS cost, total(input_tokens + output_tokens) AS tokens FROM usage
        WHERE day = ? GROUP BY agent ORDER BY 2 DESC, 1`,
      today,
    ),
  ]);
  const turns = [...Map.groupBy(steps, ({ id }) => id).values()].map((ofTurn) => {
    const models = ofTurn.filter(({ kind }) => kind === "model");
    const sum = (rows: readonly Row[]) => rows.reduce((total, { took }) => total + Number(took ?? 0), 0);
    return {
      addedMs: Number(ofTurn[0]?.total) - sum(ofTurn),
      modelMs: models.length === 0 ? [] : [sum(models)],
    };
  });
  const countOf = (what: string, name?: string) =>
    traffic.filter((row) => row.what === what && (name === undefined || row.name === name))
      .reduce((sum, { number }) => sum + Number(number), 0);
  const channels = [...new Set(traffic.filter(({ what }) => what !== "turns").map(({ name }) => String(name)))].sort();
  return {
    turns: {
      ended: countOf("turns"),
      failed: countOf("turns", "failed"),
      addedMs: medianOf(turns.map(({ addedMs }) => addedMs)),
      modelMs: medianOf(turns.flatMap(({ modelMs }) => modelMs)),
    },
    running: running.map(({ agent, turns }) => ({ agent: String(agent), turns: Number(turns) })),
    channels: channels.map((channel) => ({
      channel,
      received: countOf("received", channel),
      sent: countOf("sent", channel),
    })),
    strangers: Number(strangers[0]?.number ?? 0),
    spentToday: spent.map(({ agent, cost, tokens }) => ({
      agent: String(agent),
      costUsd: Number(cost),
      tokens: Number(tokens),
    })),
    models: groupModels(steps.filter(({ kind, answered }) => kind === "model" && answered === 1)),
  };
}

/** Takes away at most `limit` counts of minutes that ended an hour before `nowMs`. */
export function sweepTraffic(nowMs: number, limit: number): Statement {
  return {
    sql: `DELETE FROM traffic WHERE (minute, what, name) IN
      (SELECT minute, what, name FROM traffic WHERE minute < ? ORDER BY minute LIMIT ?)`,
    values: [toMinute(nowMs - hourMs), limit],
  };
}

/** As the triggers that count have it. */
function toMinute(ms: number): number {
  return Math.floor(ms / minuteMs);
}

/** What was used from `firstDay` on (`YYYY-MM-DD`, UTC), by day or by month, newest first. */
export async function readUsageRows(
  ledger: Pick<Ledger, "query">,
  firstDay: string,
  step: "day" | "month",
  signal: AbortSignal,
): Promise<readonly UsageRow[]> {
  const rows = await ledger.query({
    sql: step === "day"
      ? `SELECT agent, day, provider, model, calls, input_tokens, output_tokens, cost_usd FROM usage
        WHERE day >= ? ORDER BY day DESC, agent, provider, model LIMIT 10000`
      : `SELECT agent, substr(day, 1, 7) || '-01' AS day, provider, model, sum(calls) AS calls,
          sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_usd) AS cost_usd
        FROM usage WHERE day >= ? GROUP BY 2, agent, provider, model ORDER BY 2 DESC, agent, provider, model LIMIT 10000`,
    values: [firstDay],
  }, signal);
  return rows.map((row) => ({
    agent: String(row.agent),
    day: String(row.day),
    provider: String(row.provider),
    model: String(row.model),
    calls: Number(row.calls),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    costUsd: Number(row.cost_usd),
  }));
}

function groupModels(answers: readonly Row[]): Activity["models"] {
  const byModel = Map.groupBy(answers, ({ name }) => String(name));
  return [...byModel].map(([model, rows]) => {
    const tookMs = rows.map(({ took }) => Number(took));
    return { model, calls: rows.length, medianMs: shareOf(tookMs, 0.5) ?? 0, slowMs: shareOf(tookMs, 0.95) ?? 0 };
  }).sort((one, other) => other.calls - one.calls);
}

/** Calls of tools in the turns that ended in the last hour, the newest {@linkcode maxToolTurns} of them. By tool. */
export async function readToolCalls(
  ledger: Pick<Ledger, "query">,
  nowMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ToolCalls>> {
  const rows = await ledger.query({
    sql: `SELECT s.name AS tool, s.finished_at - s.started_at AS took, s.output ->> '$.result.isError' AS failed
      FROM (SELECT id FROM turns WHERE state = 'done' AND finished_at > ? ORDER BY finished_at DESC LIMIT ?) t
      JOIN steps s ON s.turn_id = t.id WHERE s.kind = 'tool' AND s.finished_at IS NOT NULL LIMIT ?`,
    values: [nowMs - hourMs, maxToolTurns, maxSteps],
  }, signal);
  const byTool = Map.groupBy(rows, ({ tool }) => String(tool));
  return new Map([...byTool].map(([tool, calls]) => {
    const tookMs = calls.map(({ took }) => Number(took));
    const errors = calls.filter(({ failed }) => Number(failed) === 1).length;
    return [tool, { calls: calls.length, errors, medianMs: medianOf(tookMs), slowMs: shareOf(tookMs, 0.95) ?? null }];
  }));
}

function medianOf(values: readonly number[]): number | null {
  return shareOf(values, 0.5) ?? null;
}

/** The value that a share of all stays below. */
function shareOf(values: readonly number[], share: number): number | undefined {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * share)];
}
