import type { Signal } from "@preact/signals";
import { useState } from "preact/hooks";
import type { ExtensionView } from "../../src/http/extensions_api.ts";
import type { McpQuestion, McpServerView } from "../../src/http/mcp_api.ts";
import type { Status } from "../../src/http/status_api.ts";
import type { ToolView } from "../../src/http/tools_api.ts";
import { get, post } from "../api.ts";
import { TokenAgain } from "../token_again.tsx";
import { Facts, Failure, Fold, Head, Loading, Pill, useLoaded, useRemembered } from "../ui.tsx";
import { count } from "../words.ts";
import { McpQuestions } from "./mcp_questions.tsx";
import { ToolRow } from "./tool_row.tsx";

/** What agents can do: built-in tools, those of plugins, extensions and MCP servers. */
export function ToolsPage({ status }: { readonly status: Signal<Status | undefined> }) {
  // What servers and extensions do shows in how they stand; the page need not ask again and again.
  const others = status.value?.subsystems.filter(({ name }) => /^(?:mcp|extension)/.test(name));
  const { loaded, reload } = useLoaded(async (signal) => {
    const [tools, extensions, mcp, asked] = await Promise.all([
      get<{ items: ToolView[] }>("/api/tools", {}, signal),
      get<{ extensions: ExtensionView[] }>("/api/extensions", {}, signal),
      get<{ servers: McpServerView[] }>("/api/mcp/servers", {}, signal),
      get<{ questions: McpQuestion[] }>("/api/mcp/questions", {}, signal),
    ]);
    const { questions } = asked;
    return { tools: tools.items, extensions: extensions.extensions, servers: mcp.servers, questions };
  }, [JSON.stringify(others)]);
  const [words, setWords] = useRemembered("words", "");
  const [told, setTold] = useState("");
  const onChanged = (text: string) => {
    setTold(text);
    reload();
  };
  return (
    <>
      <Head title="Tools">
        <div class="filters">
          <input
            type="search"
            data-search
            aria-label="Part of a tool's name"
            placeholder="Name  /"
            value={words}
            onInput={({ currentTarget }) => setWords(currentTarget.value)}
          />
        </div>
      </Head>
      <p role="status" class="soft">{told}</p>
      <Loading of={loaded}>
        {({ tools, extensions, servers, questions }) => (
          <>
            <McpQuestions {...{ questions, onChanged }} />
            <Extensions {...{ extensions, onChanged }} />
            <Servers {...{ servers, onChanged }} />
            <section>
              <h2>Every tool, with its calls of the last hour</h2>
              <ToolList tools={tools.filter(({ name }) => name.includes(words.trim().toLowerCase()))} />
            </section>
          </>
        )}
      </Loading>
    </>
  );
}

function ToolList({ tools }: { readonly tools: readonly ToolView[] }) {
  if (tools.length === 0) return <p class="soft">No tool has this in its name.</p>;
  return <div class="list">{tools.map((tool) => <ToolRow key={tool.name} tool={tool} />)}</div>;
}

function Extensions({ extensions, onChanged }: {
  readonly extensions: readonly ExtensionView[];
  onChanged(told: string): void;
}) {
  return (
    <section>
      <h2>Extensions</h2>
      {extensions.length === 0
        ? (
          <p class="soft">
            None yet. Begin one with <code>agent ext new NAME</code>, or install one with{" "}
            <code>agent ext install PATH</code>.
          </p>
        )
        : (
          <div class="list">
            {extensions.map((extension) => (
              <ExtensionRow key={extension.id} extension={extension} onChanged={onChanged} />
            ))}
          </div>
        )}
    </section>
  );
}

function ExtensionRow({ extension, onChanged }: { readonly extension: ExtensionView; onChanged(told: string): void }) {
  const { id, version, description, state, reason, enabled, hash, permissions, tools, hooks, confinement } = extension;
  const [failure, setFailure] = useState<unknown>();
  const change = async (action: "enable" | "disable", body: unknown) => {
    try {
      await post(`/api/extensions/${encodeURIComponent(id)}/${action}`, body);
      setFailure(undefined);
      onChanged(`${id} is ${action}d.`);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <details class="unfold">
      <summary class="row">
        <span>
          <strong>{id}</strong> <span class="soft">{version}</span>
        </span>
        <Pill state={state} />
        <span class="reason">{reason ?? description}</span>
      </summary>
      <Facts
        rows={[
          [
            "What it asks for",
            permissions.length === 0 ? "nothing" : <ul>{permissions.map((one) => <li>{one}</li>)}</ul>,
          ],
          ["Tools", tools.join(", ") || "none"],
          ["Hooks", hooks.join(", ") || "none"],
          ["Held back by", sayWalls(confinement)],
          ["Content", <code>{hash ?? "cannot be read"}</code>],
        ]}
      />
      {failure !== undefined && <Failure error={failure} />}
      {enabled
        ? (
          <p class="filters">
            <button type="button" class="danger" onClick={() => void change("disable", {})}>Disable</button>
          </p>
        )
        : hash !== undefined && (
          <TokenAgain
            why="It is a program, and may then do what stands above."
            action={`Enable ${id}`}
            onToken={(token) => void change("enable", { hash, token })}
          />
        )}
    </details>
  );
}

function sayWalls(confinement: ExtensionView["confinement"]): string {
  if (confinement === undefined) return "it does not run";
  return confinement.kind === "unconfined" ? `nothing: ${confinement.reason}` : confinement.kind;
}

function Servers(
  { servers, onChanged }: { readonly servers: readonly McpServerView[]; onChanged(told: string): void },
) {
  return (
    <section>
      <h2>MCP servers</h2>
      {servers.length === 0
        ? (
          <p class="soft">
            None yet. Add one in <a href="#/config/mcp.yaml">mcp.yaml</a>.
          </p>
        )
        : (
          <div class="list">
            {servers.map((server) => <ServerRow key={server.server} server={server} onChanged={onChanged} />)}
          </div>
        )}
    </section>
  );
}

function ServerRow({ server, onChanged }: { readonly server: McpServerView; onChanged(told: string): void }) {
  const [failure, setFailure] = useState<unknown>();
  const held = server.tools.filter(({ state }) => state === "held");
  const accept = async (tools: readonly string[]) => {
    try {
      await post(`/api/mcp/servers/${encodeURIComponent(server.server)}/accept`, { tools });
      setFailure(undefined);
      onChanged(`${count(tools.length, "tool")} of ${server.server} accepted as they are now.`);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <details class="unfold" open={held.length > 0 || server.login === "wanted"}>
      <summary class="row">
        <span>
          <strong>{server.server}</strong> <span class="soft">{server.title}</span>
        </span>
        <Pill state={server.state} />
        <span class="reason">
          {server.reason ?? count(server.tools.length, "tool")}
          {server.login === "wanted" && ", waiting for your login"}
          {held.length > 0 && `, ${held.length} waiting for your word`}
        </span>
      </summary>
      {failure !== undefined && <Failure error={failure} />}
      {server.login !== "none" && <Login server={server} />}
      {held.length > 0 && (
        <p class="filters">
          <button type="button" class="primary" onClick={() => void accept(held.map(({ tool }) => tool))}>
            Accept {count(held.length, "tool")} as described now
          </button>
        </p>
      )}
      {server.tools.map(({ tool, name, state, reason, description }) => (
        <Fold
          key={tool}
          open={state === "held"}
          summary={
            <>
              <span class="tool">{name}</span> <Pill state={state} />
            </>
          }
        >
          {reason !== undefined && <p class="soft">{reason}</p>}
          <pre tabIndex={0}>{description || "No description."}</pre>
          {state === "held" && <button type="button" onClick={() => void accept([tool])}>Accept this one</button>}
        </Fold>
      ))}
    </details>
  );
}

/** The way to the server's own login page, which opens in a tab of its own. */
function Login({ server }: { readonly server: McpServerView }) {
  const [page, setPage] = useState("");
  const [failure, setFailure] = useState<unknown>();
  const begin = async () => {
    try {
      setPage((await post<{ url: string }>(`/api/mcp/servers/${encodeURIComponent(server.server)}/login`, {})).url);
      setFailure(undefined);
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <>
      {failure !== undefined && <Failure error={failure} />}
      <p class="filters">
        {page === ""
          ? <button type="button" onClick={() => void begin()}>Log in at {server.server}</button>
          : (
            <a class="button primary" href={page} target="_blank" rel="noopener noreferrer">
              Open the login page of {new URL(page).host}
            </a>
          )}
      </p>
    </>
  );
}
