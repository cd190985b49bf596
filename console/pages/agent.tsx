import type { Signal } from "@preact/signals";
import type { AgentView } from "../../src/http/agents_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import type { UsageRow } from "../../src/http/usage_api.ts";
import type { ConfigSettingView } from "../../src/http/config_api.ts";
import type { ToolView } from "../../src/http/tools_api.ts";
import { get } from "../api.ts";
import { Empty, Facts, Fold, Head, Loading, Tabs, useLoaded } from "../ui.tsx";
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
  if (status.value === undefined) return null;
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
  const { loaded } = useLoaded(async (signal) => {
    const [settings, usage] = await Promise.all([
      get<{ items: ConfigSettingView[] }>("/api/config/explain", { path: `agents.${agent.id}` }, signal),
      get<{ items: UsageRow[] }>("/api/usage", { days: 31 }, signal),
    ]);
    return { settings: settings.items, usage: usage.items.filter((row) => row.agent === agent.id) };
  }, [agent.id]);
  return (
    <>
      <Facts
        class="card facts"
        rows={[
          ["Answers with", <span class="model">{agent.model}</span>],
          ["Hears", agent.hears.join(", ") || "the console and programs only"],
        ]}
      />
      <Loading of={loaded}>
        {({ settings, usage }) => {
          const own = settings.filter(({ origin }) => origin !== "default");
          const rest = settings.filter(({ origin }) => origin === "default");
          return (
            <>
              <Budget settings={settings} usage={usage} />
              <section>
                <h2>What somebody has set</h2>
                <Settings settings={own} agent={agent.id} />
              </section>
              <Fold summary={`Left as it comes (${rest.length})`}>
                <Settings settings={rest} agent={agent.id} />
              </Fold>
            </>
          );
        }}
      </Loading>
      <p class="soft">
        From a terminal: <code>agent config explain agents.{agent.id}</code>
      </p>
    </>
  );
}

/** Settings with where each comes from. */
function Settings({ settings, agent }: { readonly settings: readonly ConfigSettingView[]; readonly agent: string }) {
  return (
    <div class="list">
      {settings.map(({ path, value, origin, description }) => (
        <div class="row setting" key={path}>
          <div>
            <strong class="mono">{path.replace(`agents.${agent}.`, "")}</strong>
            {description !== undefined && <span class="soft">{description}</span>}
          </div>
          <span class="mono value">{value === undefined ? "not set" : pretty(value)}</span>
          <Origin origin={origin} />
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

function Budget({ settings, usage }: {
  readonly settings: readonly ConfigSettingView[];
  readonly usage: readonly UsageRow[];
}) {
  const today = new Date().toISOString().slice(0, 10);
  const spans = [
    ["Today", "daily", usage.filter(({ day }) => day === today)],
    ["This month", "monthly", usage.filter(({ day }) => day.startsWith(today.slice(0, 7)))],
  ] as const;
  const limitOf = (name: string) => {
    const limit = settings.find(({ path }) => path.endsWith(`.budget.${name}`))?.value;
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
