import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { AgentView } from "../../src/http/agents_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import type { UsageRow } from "../../src/http/usage_api.ts";
import type { PolicySettingView } from "../../src/http/config_api.ts";
import type { SessionView } from "../../src/http/sessions_api.ts";
import type { ToolView } from "../../src/http/tools_api.ts";
import { get } from "../api.ts";
import { Empty, Facts, Fold, Head, Late, Loading, Tabs, useLoaded, When } from "../ui.tsx";
import { count, money, pretty } from "../words.ts";
import { AgentFiles } from "./agent_files.tsx";
import { AgentMemory } from "./agent_memory.tsx";
import { ToolRow } from "./tool_row.tsx";

const parts = [["policy", "Policy"], ["tools", "Tools"], ["files", "Files"], ["memory", "Memory"]] as const;

/** One agent: how it is set up, what it may do, what it wrote and what it knows. */
export function AgentPage({ status, id, part }: {
  readonly status: Signal<Status | undefined>;
  readonly id: string;
  readonly part: string | undefined;
}) {
  if (status.value === undefined) return <Late />;
  const agent = status.value.agents.find((one) => one.id === id);
  if (agent === undefined) {
    return (
      <Empty title={`There is no agent ${id}.`}>
        <a href="#/agents">All agents</a>
      </Empty>
    );
  }
  const [shown] = parts.find(([name]) => name === part) ?? parts[0];
  return (
    <>
      <p>
        <a href="#/agents">← All agents</a>
      </p>
      <Head title={agent.id}>
        <a class="button primary" href={`#/chat/${encodeURIComponent(agent.id)}`}>Chat</a>
      </Head>
      <p class="soft">{agent.description || "No description."}</p>
      {agent.trouble !== undefined && <p class="notice bad" role="alert">{agent.trouble}</p>}
      <Tabs label="About the agent" at={`#/agents/${encodeURIComponent(id)}`} tabs={parts} current={shown} />
      {shown === "policy" && <Policy agent={agent} />}
      {shown === "tools" && <AgentTools agent={id} />}
      {shown === "files" && <AgentFiles agent={id} />}
      {shown === "memory" && <AgentMemory agent={id} />}
    </>
  );
}

function Policy({ agent }: { readonly agent: AgentView }) {
  const [heard, setHeard] = useState("");
  const policy = useLoaded(
    (signal) =>
      get<{ items: PolicySettingView[] }>(`/api/agents/${encodeURIComponent(agent.id)}/policy`, { heard }, signal),
    [agent.id, heard],
  ).loaded;
  const usage = useLoaded(async (signal) => {
    const { items } = await get<{ items: UsageRow[] }>("/api/usage", { days: 31 }, signal);
    return items.filter((row) => row.agent === agent.id);
  }, [agent.id]).loaded;
  return (
    <>
      <Facts
        class="card facts"
        rows={[
          ["Answers with", <span class="model">{agent.model}</span>],
          ["Hears", agent.hears.join(", ") || "the console and programs only"],
        ]}
      />
      <Loading of={policy}>
        {({ items }) => {
          const set = items.filter(({ from }) => from !== "default");
          const rest = items.filter(({ from }) => from === "default");
          return (
            <>
              <Budget settings={items} usage={usage.state === "loaded" ? usage.value : []} />
              <section>
                <div class="head">
                  <h2>In force, and set by somebody</h2>
                  {agent.hears.length > 0 && (
                    <label class="filters check">
                      for what comes in through{" "}
                      <select value={heard} onChange={({ currentTarget }) => setHeard(currentTarget.value)}>
                        <option value="">the console and programs</option>
                        {agent.hears.map((one) => <option key={one} value={one}>{one}</option>)}
                      </select>
                    </label>
                  )}
                </div>
                <Settings settings={set} />
              </section>
              <Fold summary={`In force, and left as it comes (${rest.length})`}>
                <Settings settings={rest} />
              </Fold>
            </>
          );
        }}
      </Loading>
      <Recent agent={agent.id} />
      <p class="soft">
        From a terminal: <code>agent config explain agents.{agent.id}</code>
      </p>
    </>
  );
}

/** Settings with where each comes from. */
function Settings({ settings }: { readonly settings: readonly PolicySettingView[] }) {
  return (
    <div class="list">
      {settings.map(({ path, value, origin, description, from }) => (
        <div class="row setting" key={path}>
          <div>
            <strong class="mono">{path}</strong>
            {description !== undefined && <span class="soft">{description}</span>}
          </div>
          <span class="mono value">{value === undefined ? "not set" : pretty(value)}</span>
          <span>
            {from === "binding" && <span class="soft">by the binding,</span>} <Origin origin={origin} />
          </span>
        </div>
      ))}
    </div>
  );
}

/** A file is a way to change the value; everything else is only said. */
function Origin({ origin }: { readonly origin: string }) {
  const [, place, file] = /((agents\.d\/[^/]+|[^/]+)\.yaml:\d+.*)$/.exec(origin) ?? [];
  return place === undefined
    ? <span class="soft">{origin}</span>
    : <a href={`#/config/${encodeURIComponent(`${file}.yaml`)}`}>{place}</a>;
}

/** Conversations shown. */
const recentSessions = 5;

function Recent({ agent }: { readonly agent: string }) {
  const { loaded } = useLoaded(
    (signal) => get<{ items: SessionView[] }>("/api/sessions", { agent, limit: recentSessions }, signal),
    [agent],
  );
  return (
    <section>
      <h2>Newest conversations</h2>
      <Loading of={loaded}>
        {({ items }) =>
          items.length === 0 ? <p class="soft">None yet.</p> : (
            <div class="list">
              {items.map(({ id, title, plugin, instance, conversation, lastAt }) => (
                <a key={id} class="row session" href={`#/sessions/${encodeURIComponent(id)}`}>
                  <strong>{title || conversation}</strong>
                  <span class="soft">{plugin}.{instance}</span>
                  <When at={lastAt} />
                </a>
              ))}
            </div>
          )}
      </Loading>
    </section>
  );
}

function Budget({ settings, usage }: {
  readonly settings: readonly PolicySettingView[];
  readonly usage: readonly UsageRow[];
}) {
  const today = new Date().toISOString().slice(0, 10);
  const spans = [
    ["Today", "daily", usage.filter(({ day }) => day === today)],
    ["This month", "monthly", usage.filter(({ day }) => day.startsWith(today.slice(0, 7)))],
  ] as const;
  const limitOf = (name: string) => {
    const limit = settings.find(({ path }) => path === `budget.${name}`)?.value;
    return typeof limit === "number" ? limit : undefined;
  };
  return (
    <div class="figures">
      {spans.map(([title, span, rows]) => {
        const usd = rows.reduce((sum, row) => sum + row.costUsd, 0);
        const tokens = rows.reduce((sum, row) => sum + row.inputTokens + row.outputTokens, 0);
        return (
          <div class="card figure" key={span}>
            <span>{title}</span>
            <strong>{money(usd)}</strong>
            <small>{count(tokens, "token")}</small>
            <Meter title={`${title}, US dollars`} used={usd} limit={limitOf(`${span}_usd`)} say={money} />
            <Meter
              title={`${title}, tokens`}
              used={tokens}
              limit={limitOf(`${span}_tokens`)}
              say={(number) => count(number, "token")}
            />
          </div>
        );
      })}
    </div>
  );
}

function Meter({ title, used, limit, say }: {
  readonly title: string;
  readonly used: number;
  readonly limit: number | undefined;
  say(number: number): string;
}) {
  if (limit === undefined) return null;
  return (
    <p class="budget">
      <meter aria-label={title} min={0} max={limit} high={limit * 0.8} optimum={0} value={Math.min(used, limit)} />
      <small>{Math.round(100 * used / limit)} % of {say(limit)}</small>
    </p>
  );
}

function AgentTools({ agent }: { readonly agent: string }) {
  const { loaded } = useLoaded((signal) => get<{ items: ToolView[] }>("/api/tools", {}, signal), [agent]);
  return (
    <Loading of={loaded}>
      {({ items }) => {
        const own = items.filter(({ agents }) => agents.includes(agent));
        return own.length === 0
          ? (
            <Empty title="It may use no tool.">
              <p>
                Name them in <code>allowed_tools</code> of agents.yaml, such as <code>workspace_*</code>.
              </p>
            </Empty>
          )
          : <div class="list">{own.map((tool) => <ToolRow key={tool.name} tool={tool} />)}</div>;
      }}
    </Loading>
  );
}
