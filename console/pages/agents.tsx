import type { Signal } from "@preact/signals";
import type { AgentView } from "../../src/http/agents_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import { Empty, Facts, Head, Late } from "../ui.tsx";
import { count } from "../words.ts";

/** Agents, as they are configured now. */
export function AgentsPage({ status }: { readonly status: Signal<Status | undefined> }) {
  const agents = status.value?.agents;
  if (agents === undefined) return <Late />;
  return (
    <>
      <Head title="Agents">
        <span class="soft">{count(agents.length, "agent")}</span>
      </Head>
      {agents.length === 0
        ? <NoAgents />
        : <div class="cards">{agents.map((agent) => <AgentCard key={agent.id} agent={agent} />)}</div>}
    </>
  );
}

/** What stands where agents would. */
export function NoAgents() {
  return (
    <Empty title="No agents yet.">
      <p>Add one to config/agents.yaml; it answers as soon as the file is saved.</p>
    </Empty>
  );
}

function AgentCard({ agent }: { readonly agent: AgentView }) {
  return (
    <article class="card agent">
      <h2>
        <a href={`#/agents/${encodeURIComponent(agent.id)}`}>{agent.id}</a>
      </h2>
      <p class="soft">{agent.description || "No description."}</p>
      {agent.trouble !== undefined && <p class="notice bad">{agent.trouble}</p>}
      <Facts
        rows={[
          ["Model", <span class="model">{agent.model}</span>],
          ["Tools", agent.tools],
          ["Hears", agent.hears.join(", ") || "nothing yet"],
        ]}
      />
      <a class="button primary" href={`#/chat/${encodeURIComponent(agent.id)}`}>Chat</a>
    </article>
  );
}
