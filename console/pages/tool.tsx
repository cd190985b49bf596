import { useState } from "preact/hooks";
import type { ToolDetail, ToolTried } from "../../src/http/tools_api.ts";
import { get, isRequestError, post } from "../api.ts";
import { SchemaForm } from "../schema_form.tsx";
import { TokenAgain } from "../token_again.tsx";
import { Empty, Facts, Failure, Fold, Head, Loading, Pill, useLoaded } from "../ui.tsx";
import { count, duration, pretty } from "../words.ts";
import { breakers, effects, origins } from "./tool_row.tsx";

/** One tool: what it is and may do, how its calls went, and trying it. */
export function ToolPage({ name }: { readonly name: string }) {
  const { loaded, reload } = useLoaded(
    (signal) => get<ToolDetail>(`/api/tools/${encodeURIComponent(name)}`, {}, signal),
    [name],
  );
  return (
    <>
      <p>
        <a href="#/tools">← All tools</a>
      </p>
      <Head title={name} />
      <Loading of={loaded}>
        {(tool) => (
          <>
            <p>{tool.description}</p>
            <About tool={tool} />
            <section>
              <h2>Try it</h2>
              <Trial tool={tool} onTried={reload} />
            </section>
          </>
        )}
      </Loading>
    </>
  );
}

function About({ tool }: { readonly tool: ToolDetail }) {
  const { from, source, effect, agents, calls, errors, medianMs, slowMs, breaker, deadlineMs, permissions } = tool;
  return (
    <Facts
      class="card facts"
      rows={[
        ["Comes from", source === undefined ? origins[from] : `${origins[from]} ${source}`],
        ["Effect", effects[effect]],
        ["Agents that may use it", agents.join(", ") || "none"],
        [
          "May",
          permissions.length === 0 ? "nothing beyond its answer" : <ul>{permissions.map((one) => <li>{one}</li>)}</ul>,
        ],
        ["Ends after", deadlineMs === null ? "the agent's tool_deadline" : duration(deadlineMs)],
        [
          "Calls of the last hour",
          calls === 0
            ? "none"
            : `${count(calls, "call")}, ${count(errors, "error")}, half within ${
              duration(medianMs ?? 0)
            }, 95 % within ${duration(slowMs ?? 0)}`,
        ],
        ["Breaker", <Pill state={breakers[breaker]} />],
        [
          "Input",
          <Fold summary="JSON Schema">
            <pre tabIndex={0}>{pretty(tool.inputSchema)}</pre>
          </Fold>,
        ],
      ]}
    />
  );
}

type Outcome =
  | { readonly state: "running" }
  | { readonly state: "tried"; readonly tried: ToolTried }
  | { readonly state: "needsToken"; readonly input: unknown }
  | { readonly state: "failed"; readonly error: unknown };

function Trial({ tool, onTried }: { readonly tool: ToolDetail; onTried(): void }) {
  const [agent, setAgent] = useState(tool.agents[0] ?? "");
  const [outcome, setOutcome] = useState<Outcome>();
  const call = async (input: unknown, token?: string) => {
    setOutcome({ state: "running" });
    try {
      const body = { agent, input, ...(token === undefined ? {} : { token }) };
      const tried = await post<ToolTried>(`/api/tools/${encodeURIComponent(tool.name)}/try`, body);
      setOutcome({ state: "tried", tried });
      onTried();
    } catch (error) {
      const again = isRequestError(error) && error.reason === "token_again" && token === undefined;
      setOutcome(again ? { state: "needsToken", input } : { state: "failed", error });
    }
  };
  if (tool.agents.length === 0) {
    return (
      <Empty title="No agent may use it, so it cannot be tried.">
        <p>
          Name it in <code>allowed_tools</code> of an agent in <a href="#/config/agents.yaml">agents.yaml</a>.
        </p>
      </Empty>
    );
  }
  return (
    <div class="card trial">
      <label>
        As{" "}
        <select value={agent} onChange={({ currentTarget }) => setAgent(currentTarget.value)}>
          {tool.agents.map((one) => <option key={one} value={one}>{one}</option>)}
        </select>{" "}
        <span class="soft">
          It runs for real, under this agent's limits. The audit and a turn of its own say that you did it.
        </span>
      </label>
      <SchemaForm schema={tool.inputSchema} action="Run it" onSubmit={(input) => void call(input)} />
      <div aria-live="polite">
        {outcome !== undefined && (
          <Result
            outcome={outcome}
            why={tool.asksToken ?? ""}
            onToken={(token) => outcome.state === "needsToken" && void call(outcome.input, token)}
          />
        )}
      </div>
    </div>
  );
}

const sentences: Readonly<Record<ToolTried["outcome"], string>> = {
  ok: "It answered",
  error: "It failed",
  denied: "Refused: the agent may not use it here",
  vetoed: "Refused by a hook",
  limited: "Refused: it is called too often. Wait a little",
  invalid: "Refused before it ran: the input does not fit",
  timeout: "It took too long, and was ended",
  unknown: "Refused: the agent may not use it. Name it in allowed_tools of agents.yaml",
};

function Result(
  { outcome, why, onToken }: { readonly outcome: Outcome; readonly why: string; onToken(token: string): void },
) {
  switch (outcome.state) {
    case "running":
      return <p class="soft">It runs …</p>;
    case "failed":
      return <Failure error={outcome.error} />;
    case "needsToken":
      return <TokenAgain why={`${why}.`} action="Run it" onToken={onToken} />;
    case "tried": {
      const { tried } = outcome;
      return (
        <section class="tried">
          <p class={tried.isError ? "notice bad" : undefined}>
            {sentences[tried.outcome]}, after {duration(tried.tookMs)}.{" "}
            <a href={`#/turns/${encodeURIComponent(tried.turnId)}`}>Its timeline</a>
          </p>
          {tried.untrusted && <p class="soft">Strangers wrote this. A model sees it fenced, as here.</p>}
          {tried.content.map((part, index) =>
            part.type === "text"
              ? <pre key={index} tabIndex={0}>{part.text || "(nothing)"}</pre>
              : <img key={index} alt="What the tool made" src={`data:${part.mimeType};base64,${part.base64}`} />
          )}
        </section>
      );
    }
  }
}
