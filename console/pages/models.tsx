import { useState } from "preact/hooks";
import type { Activity } from "../../src/http/activity_api.ts";
import type { UsageRow } from "../../src/http/usage_api.ts";
import { get } from "../api.ts";
import type { LiveStatus } from "../live.ts";
import { Empty, Head, Loading, Pill, useLoaded } from "../ui.tsx";
import { count, duration, money } from "../words.ts";

/** The models that could answer and what is missing where they could not; how fast they are, and what they cost. */
export function ModelsPage({ live }: { readonly live: LiveStatus }) {
  return (
    <>
      <Head title="Models" />
      <div class="list">
        {live.status.value?.models.map(({ provider, model, configured, missing }) => (
          <div class="row model-row" key={`${provider}/${model}`}>
            <span class="mono">{model === "" ? provider : `${provider}/${model}`}</span>
            {configured ? <Pill state="ready" /> : <span class="soft">{missing ?? "not configured"}</span>}
          </div>
        ))}
      </div>
      <h2>Answers of the last hour</h2>
      <Answers activity={live.activity.value} />
      <Usage />
    </>
  );
}

function Answers({ activity }: { readonly activity: Activity | undefined }) {
  if (activity === undefined || activity.models.length === 0) return <p class="soft">No model was asked.</p>;
  return (
    <div class="card table-card">
      <table>
        <thead>
          <tr>
            <th>Model</th>
            <th class="number">Answers</th>
            <th class="number">Median</th>
            <th class="number">Slowest 5 %</th>
          </tr>
        </thead>
        <tbody>
          {activity.models.map(({ model, calls, medianMs, slowMs }) => (
            <tr key={model}>
              <td class="mono">{model}</td>
              <td class="number">{calls.toLocaleString()}</td>
              <td class="number">{duration(medianMs)}</td>
              <td class="number">{duration(slowMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const spans = [7, 31, 366] as const;

/** Tokens and money by day, and by agent and model. */
function Usage() {
  const [days, setDays] = useState<number>(31);
  const { loaded } = useLoaded((signal) => get<{ items: UsageRow[] }>("/api/usage", { days }, signal), [days]);
  return (
    <>
      <header class="head">
        <h2>Used</h2>
        <div class="filters">
          <select
            aria-label="Time"
            value={days}
            onChange={({ currentTarget }) => setDays(Number(currentTarget.value))}
          >
            {spans.map((span) => <option key={span} value={span}>last {span} days</option>)}
          </select>
        </div>
      </header>
      <Loading of={loaded}>
        {({ items }) =>
          items.length === 0
            ? (
              <Empty title="Nothing was used.">
                <p>Tokens and money stand here by agent, model and day as soon as a model has answered.</p>
              </Empty>
            )
            : (
              <>
                <Days rows={items} />
                <Totals rows={items} />
              </>
            )}
      </Loading>
    </>
  );
}

/** Money by day as bars; tokens where nothing has a price. */
function Days({ rows }: { readonly rows: readonly UsageRow[] }) {
  const hasPrice = rows.some(({ costUsd }) => costUsd > 0);
  const valueOf = (row: UsageRow) => hasPrice ? row.costUsd : row.inputTokens + row.outputTokens;
  const say = (value: number) => hasPrice ? money(value) : count(value, "token");
  const days = [...Map.groupBy(rows, ({ day }) => day)]
    .map(([day, used]) => ({ day, value: used.reduce((sum, row) => sum + valueOf(row), 0) }))
    .toReversed();
  const highest = Math.max(...days.map(({ value }) => value), 1e-9);
  return (
    <ol class="card days" aria-label={hasPrice ? "Money by day" : "Tokens by day"}>
      {days.map(({ day, value }) => (
        <li key={day} title={`${day}: ${say(value)}`}>
          <span class="column" style={{ blockSize: `${(value / highest) * 100}%` }} />
          <span class="visually-hidden">{day}: {say(value)}</span>
        </li>
      ))}
    </ol>
  );
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
    <div class="card table-card">
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
