import { useState } from "preact/hooks";
import type { ConfigSettingView } from "../../src/http/config_api.ts";
import type { SeriesAnswer } from "../../src/http/series_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import type { UsageRow } from "../../src/http/usage_api.ts";
import { get } from "../api.ts";
import { Chart, type ChartLine, type Tone } from "../chart.tsx";
import type { LiveStatus } from "../live.ts";
import { Empty, Head, Loading, Pill, useLoaded } from "../ui.tsx";
import { count, duration, money } from "../words.ts";

/** The models that could answer and what is missing where they could not; how fast they are, and what they cost. */
export function ModelsPage({ live }: { readonly live: LiveStatus }) {
  const status = live.status.value;
  return (
    <>
      <Head title="Models" />
      {status !== undefined && <Models status={status} />}
      <OverTime live={live} />
      <Used />
      <Budgets />
    </>
  );
}

/** Which models there are, and whether their providers are asked at the moment. */
function Models({ status }: { readonly status: Status }) {
  return (
    <div class="list">
      {status.models.map(({ provider, model, configured, missing }) => {
        const breaker = status.subsystems.find(({ name }) => name === `llm.${provider}`);
        return (
          <div class="row model-row" key={`${provider}/${model}`}>
            <span class="mono">{model === "" ? provider : `${provider}/${model}`}</span>
            {configured
              ? <Pill state={breaker === undefined || breaker.state === "ok" ? "ready" : breaker.state} />
              : <span class="soft">{missing ?? "not configured"}</span>}
            {breaker?.reason !== undefined && (
              <span class="reason">
                {breaker.reason} <a href="#/logs">Logs</a>
              </span>
            )}
          </div>
        );
      })}
    </div>
  );
}

const minutes = [[60, "last hour"], [360, "last 6 hours"], [1_440, "last 24 hours"]] as const;
const tones: readonly Tone[] = ["model", "accent", "warn", "soft"];

/** How fast they answered and how often they did not. */
function OverTime({ live }: { readonly live: LiveStatus }) {
  const [span, setSpan] = useState<number>(60);
  // The process tells whenever something has gone on: once a minute there is a new step.
  const minute = live.activity.value === undefined ? 0 : Math.floor(Date.now() / 60_000);
  const { loaded } = useLoaded((signal) => get<SeriesAnswer>("/api/series", { minutes: span }, signal), [span, minute]);
  return (
    <section class="stack">
      <header class="head">
        <h2>Answers</h2>
        <div class="filters">
          <select aria-label="Time" value={span} onChange={({ currentTarget }) => setSpan(Number(currentTarget.value))}>
            {minutes.map(([value, title]) => <option key={value} value={value}>{title}</option>)}
          </select>
        </div>
      </header>
      <Loading of={loaded}>
        {(series) =>
          series.models.length === 0
            ? (
              <p class="soft">
                No model was asked in this time. What stands here is kept since the start, a day at most.
              </p>
            )
            : (
              <div class="charts">
                <Chart
                  title="Time to the whole answer"
                  times={series.times}
                  lines={series.models.slice(0, tones.length).flatMap(toTimes)}
                  say={duration}
                />
                <Chart
                  title="Calls and errors"
                  times={series.times}
                  lines={toCalls(series)}
                  say={(value) => Math.round(value * 10) / 10 === Math.round(value) ? String(Math.round(value)) : ""}
                />
              </div>
            )}
      </Loading>
    </section>
  );
}

function toTimes({ model, medianMs, slowMs }: SeriesAnswer["models"][number], index: number): readonly ChartLine[] {
  const tone = tones[index] ?? "soft";
  return [
    { name: `${model}, median`, tone, values: medianMs },
    { name: `${model}, slowest 5 %`, tone, dashed: true, values: slowMs },
  ];
}

function toCalls({ models, times }: SeriesAnswer): readonly ChartLine[] {
  const sum = (name: "calls" | "errors") =>
    times.map((_, index) => models.reduce((total, model) => total + (model[name][index] ?? 0), 0));
  return [{ name: "Calls", tone: "model", values: sum("calls") }, {
    name: "Errors",
    tone: "bad",
    values: sum("errors"),
  }];
}

/** A year is told by month: many agents and models have more days than one answer holds. */
const spans = { "7": "day", "31": "day", "366": "month" } as const;
type Span = keyof typeof spans;
const isSpan = (text: string): text is Span => text in spans;
const groupings = [["all", "all together"], ["agent", "by agent"], ["model", "by model"]] as const;
type Grouping = (typeof groupings)[number][0];

/** Tokens and money by day, and by agent and model. */
function Used() {
  const [days, setDays] = useState<Span>("31");
  const step = spans[days];
  const [by, setBy] = useState<Grouping>("all");
  const { loaded } = useLoaded((signal) => get<{ items: UsageRow[] }>("/api/usage", { days, step }, signal), [days]);
  return (
    <section class="stack">
      <header class="head">
        <h2>Used</h2>
        <div class="filters">
          <select
            aria-label="Days"
            value={days}
            onChange={({ currentTarget }) => setDays(isSpan(currentTarget.value) ? currentTarget.value : "31")}
          >
            {Object.keys(spans).map((span) => <option key={span} value={span}>last {span} days</option>)}
          </select>
          <select
            aria-label="Told apart"
            value={by}
            onChange={({ currentTarget }) =>
              setBy(groupings.find(([name]) => name === currentTarget.value)?.[0] ?? "all")}
          >
            {groupings.map(([name, title]) => <option key={name} value={name}>{title}</option>)}
          </select>
        </div>
      </header>
      <Loading of={loaded}>
        {({ items }) =>
          items.length === 0
            ? (
              <Empty title="Nothing was used.">
                <p>Tokens and money stand here by agent, model and day as soon as a model has answered.</p>
                <p>
                  <a href="#/chat">Write a message</a>
                </p>
              </Empty>
            )
            : (
              <>
                <Days rows={items} times={toBegins(Number(days), step)} step={step} by={by} />
                <Totals rows={items} />
              </>
            )}
      </Loading>
    </section>
  );
}

const dayMs = 86_400_000;

/** The first moment of each of the last days, or of each month that they lie in. Oldest first. */
function toBegins(days: number, step: "day" | "month"): readonly number[] {
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  const times = Array.from({ length: days }, (_, index) => today - (days - 1 - index) * dayMs);
  return step === "day" ? times : [...new Set(times.map((ms) => Date.parse(`${toIsoDay(ms).slice(0, 7)}-01`)))];
}

function toIsoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Money by day or month, where anything has a price, and tokens. */
function Days({ rows, times, step, by }: {
  readonly rows: readonly UsageRow[];
  readonly times: readonly number[];
  readonly step: "day" | "month";
  readonly by: Grouping;
}) {
  const nameOf = ({ agent, provider, model }: UsageRow) =>
    by === "agent" ? agent : by === "model" ? `${provider}/${model}` : "";
  const groups = [...Map.groupBy(rows, nameOf)].slice(0, tones.length);
  const toLines = (name: string, of: (row: UsageRow) => number) =>
    groups.map(([group, used], index): ChartLine => {
      const byDay = Map.groupBy(used, ({ day }) => day);
      return {
        name: group === "" ? name : group,
        tone: tones[index] ?? "soft",
        dashed: index > 1,
        values: times.map((ms) => (byDay.get(toIsoDay(ms)) ?? []).reduce((sum, row) => sum + of(row), 0)),
      };
    });
  const hasPrice = rows.some(({ costUsd }) => costUsd > 0);
  const shared = { times, bars: groups.length === 1, sayTime: step === "day" ? toDay : toMonth };
  return (
    <div class="charts">
      {hasPrice && (
        <Chart
          {...shared}
          title={`Money by ${step}`}
          lines={toLines("Money", ({ costUsd }) => costUsd)}
          say={money}
        />
      )}
      <Chart
        {...shared}
        title={`Tokens by ${step}`}
        lines={toLines("Tokens", (row) => row.inputTokens + row.outputTokens)}
        say={short}
      />
    </div>
  );
}

function toDay(ms: number): string {
  return new Date(ms).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
}

function toMonth(ms: number): string {
  return new Date(ms).toLocaleDateString(undefined, { month: "short", year: "numeric", timeZone: "UTC" });
}

function short(number: number): string {
  return number.toLocaleString(undefined, { notation: "compact" });
}

function Totals({ rows }: { readonly rows: readonly UsageRow[] }) {
  const totals = [...Map.groupBy(rows, ({ agent, provider, model }) => `${agent} ${provider}/${model}`)].map(
    ([name, used]) => ({
      name,
      agent: used[0]?.agent,
      model: `${used[0]?.provider}/${used[0]?.model}`,
      calls: used.reduce((sum, row) => sum + row.calls, 0),
      tokens: used.reduce((sum, row) => sum + row.inputTokens + row.outputTokens, 0),
      costUsd: used.reduce((sum, row) => sum + row.costUsd, 0),
    }),
  ).sort((one, other) => other.costUsd - one.costUsd || other.tokens - one.tokens);
  return (
    <div class="card table-card" tabIndex={0} role="region" aria-label="Used by agent and model">
      <table>
        <thead>
          <tr>
            <th>Agent</th>
            <th>Model</th>
            <th class="number">Calls</th>
            <th class="number">Tokens</th>
            <th class="number">Money</th>
          </tr>
        </thead>
        <tbody>
          {totals.map(({ name, agent, model, calls, tokens, costUsd }) => (
            <tr key={name}>
              <td>{agent}</td>
              <td class="mono">{model}</td>
              <td class="number">{calls.toLocaleString()}</td>
              <td class="number">{tokens.toLocaleString()}</td>
              <td class="number">{money(costUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What each agent may spend, and what it has. */
function Budgets() {
  const { loaded } = useLoaded(
    async (signal) => ({
      settings: (await get<{ items: ConfigSettingView[] }>("/api/config/explain", { path: "agents" }, signal)).items,
      usage: (await get<{ items: UsageRow[] }>("/api/usage", { days: 31 }, signal)).items,
    }),
    [],
  );
  return (
    <section class="stack">
      <h2>Budgets</h2>
      <Loading of={loaded}>
        {({ settings, usage }) => {
          const limits = settings.flatMap(({ path, value }) => {
            const found = /^agents\.(.+)\.budget\.(daily|monthly)_(usd|tokens)$/.exec(path);
            const [, agent = "", span = "", unit = ""] = found ?? [];
            return found === null || typeof value !== "number" ? [] : [{ agent, span, unit, limit: value }];
          });
          if (limits.length === 0) {
            return (
              <p class="soft">
                No agent has a budget. One line in agents.yaml sets it: <code>budget: {"{ daily_usd: 5 }"}</code>
              </p>
            );
          }
          return (
            <div class="list">
              {limits.map(({ agent, span, unit, limit }) => {
                const begin = new Date().toISOString().slice(0, span === "daily" ? 10 : 7);
                const used = usage.filter((row) => row.agent === agent && row.day.startsWith(begin))
                  .reduce((sum, row) => sum + (unit === "usd" ? row.costUsd : row.inputTokens + row.outputTokens), 0);
                const say = (value: number) => unit === "usd" ? money(value) : count(value, "token");
                return (
                  <div class="row budget-row" key={`${agent} ${span} ${unit}`}>
                    <a href={`#/agents/${encodeURIComponent(agent)}`}>{agent}</a>
                    <span class="soft">{span === "daily" ? "today" : "this month"}</span>
                    <meter
                      aria-label={`${agent}, ${span}, ${unit}`}
                      min={0}
                      max={limit}
                      high={limit * 0.8}
                      optimum={0}
                      value={Math.min(used, limit)}
                    />
                    <span class={used >= limit ? "bad number" : "number"}>
                      {say(used)} of {say(limit)}
                      {used >= limit && ": used up. Raise it in agents.yaml, or wait"}
                    </span>
                  </div>
                );
              })}
            </div>
          );
        }}
      </Loading>
    </section>
  );
}
