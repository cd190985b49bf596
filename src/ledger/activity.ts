import type { Ledger, Row } from "../core/ledger.ts";

/** What went on in the last hour, and what was spent. Times are in milliseconds, money in US dollars. */
export interface Activity {
  /** Turns that ended in the last hour, the newest {@linkcode maxTurns} of them. */
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

/** One row of what was used. */
export interface UsageRow {
  readonly agent: string;
  /** `YYYY-MM-DD`, UTC. */
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
/** Enough for a median, and few enough for a page that asks every few seconds. */
const maxTurns = 1_000;

/** Reads {@linkcode Activity} in the reader worker. */
export async function readActivity(
  ledger: Pick<Ledger, "query">,
  nowMs: number,
  signal: AbortSignal,
): Promise<Activity> {
  const since = nowMs - hourMs;
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const ask = (sql: string, ...values: (string | number)[]) => ledger.query({ sql, values }, signal);
  const [turns, counts, running, received, sent, strangers, spent, answers] = await Promise.all([
    ask(
      `SELECT t.finished_at - t.started_at AS total,
        (SELECT sum(finished_at - started_at) FROM steps WHERE turn_id = t.id AND kind = 'model') AS models,
        (SELECT sum(finished_at - started_at) FROM steps WHERE turn_id = t.id AND kind = 'tool') AS tools
        FROM turns t WHERE t.state = 'done' AND t.finished_at > ? ORDER BY t.finished_at DESC LIMIT ?`,
      since,
      maxTurns,
    ),
    ask(
      `SELECT count(*) AS ended, total(outcome = 'failed') AS failed FROM turns WHERE state = 'done' AND finished_at > ?`,
      since,
    ),
    ask(`SELECT agent, count(*) AS turns FROM turns WHERE state = 'running' GROUP BY agent`),
    ask(
      `SELECT plugin || '.' || instance AS channel, count(*) AS number FROM inbox
        WHERE state = 'done' AND finished_at > ? AND plugin IS NOT NULL GROUP BY 1`,
      since,
    ),
    ask(
      `SELECT plugin || '.' || instance AS channel, count(*) AS number FROM outbox
        WHERE state = 'sent' AND finished_at > ? GROUP BY 1`,
      since,
    ),
    ask(`SELECT count(*) AS number FROM pairing WHERE state = 'pending' AND expires_at > ?`, nowMs),
    ask(
      `SELECT agent, total(cost_usd) AS cost, total(input_tokens + output_tokens) AS tokens FROM usage
        WHERE day = ? GROUP BY agent ORDER BY 2 DESC, 1`,
      today,
    ),
    ask(
      `SELECT s.name AS model, s.finished_at - s.started_at AS took FROM
        (SELECT id FROM turns WHERE state = 'done' AND finished_at > ? ORDER BY finished_at DESC LIMIT ?) t
        JOIN steps s ON s.turn_id = t.id WHERE s.kind = 'model' AND s.input_tokens IS NOT NULL`,
      since,
      maxTurns,
    ),
  ]);
  return {
    turns: {
      ended: Number(counts[0]?.ended ?? 0),
      failed: Number(counts[0]?.failed ?? 0),
      addedMs: medianOf(turns.map((row) => Number(row.total) - Number(row.models ?? 0) - Number(row.tools ?? 0))),
      modelMs: medianOf(turns.flatMap((row) => row.models === null ? [] : [Number(row.models)])),
    },
    running: running.map(({ agent, turns }) => ({ agent: String(agent), turns: Number(turns) })),
    channels: joinChannels(received, sent),
    strangers: Number(strangers[0]?.number ?? 0),
    spentToday: spent.map(({ agent, cost, tokens }) => ({
      agent: String(agent),
      costUsd: Number(cost),
      tokens: Number(tokens),
    })),
    models: groupModels(answers),
  };
}

/** What was used from `firstDay` on (`YYYY-MM-DD`, UTC), newest day first. */
export async function readUsageRows(
  ledger: Pick<Ledger, "query">,
  firstDay: string,
  signal: AbortSignal,
): Promise<readonly UsageRow[]> {
  const rows = await ledger.query({
    sql: `SELECT * FROM usage WHERE day >= ? ORDER BY day DESC, agent, provider, model LIMIT 10000`,
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

function joinChannels(received: readonly Row[], sent: readonly Row[]): Activity["channels"] {
  const numberOf = (rows: readonly Row[], channel: string) =>
    Number(rows.find((row) => row.channel === channel)?.number ?? 0);
  const names = [...new Set([...received, ...sent].map(({ channel }) => String(channel)))].sort();
  return names.map((channel) => ({ channel, received: numberOf(received, channel), sent: numberOf(sent, channel) }));
}

function groupModels(answers: readonly Row[]): Activity["models"] {
  const byModel = Map.groupBy(answers, ({ model }) => String(model));
  return [...byModel].map(([model, rows]) => {
    const tookMs = rows.map(({ took }) => Number(took));
    return { model, calls: rows.length, medianMs: shareOf(tookMs, 0.5) ?? 0, slowMs: shareOf(tookMs, 0.95) ?? 0 };
  }).sort((one, other) => other.calls - one.calls);
}

/** Calls of tools in the turns that ended in the last hour, the newest {@linkcode maxTurns} of them. By tool. */
export async function readToolCalls(
  ledger: Pick<Ledger, "query">,
  nowMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ToolCalls>> {
  const rows = await ledger.query({
    sql: `SELECT s.name AS tool, s.finished_at - s.started_at AS took, s.output ->> '$.result.isError' AS failed
      FROM (SELECT id FROM turns WHERE state = 'done' AND finished_at > ? ORDER BY finished_at DESC LIMIT ?) t
      JOIN steps s ON s.turn_id = t.id WHERE s.kind = 'tool' AND s.finished_at IS NOT NULL`,
    values: [nowMs - hourMs, maxTurns],
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
