import { useState } from "preact/hooks";
import type { ExtensionView } from "../../src/http/extensions_api.ts";
import type { McpServerView } from "../../src/http/mcp_api.ts";
import type { ToolView } from "../../src/http/tools_api.ts";
import { get, post } from "../api.ts";
import { Facts, Failure, Fold, Head, Loading, Pill, useLoaded } from "../ui.tsx";
import { count, duration } from "../words.ts";

/** What agents can do: built-in tools, those of plugins, extensions and MCP servers. */
export function ToolsPage() {
  const { loaded, reload } = useLoaded(async (signal) => {
    const [tools, extensions, mcp] = await Promise.all([
      get<{ items: ToolView[] }>("/api/tools", {}, signal),
      get<{ extensions: ExtensionView[] }>("/api/extensions", {}, signal),
      get<{ servers: McpServerView[] }>("/api/mcp/servers", {}, signal),
    ]);
    return { tools: tools.items, extensions: extensions.extensions, servers: mcp.servers };
  }, []);
  const [words, setWords] = useState("");
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
            onInput={({ currentTarget }) => setWords(currentTarget.value.trim().toLowerCase())}
          />
        </div>
      </Head>
      <p role="status" class="soft">{told}</p>
      <Loading of={loaded}>
        {({ tools, extensions, servers }) => (
          <>
            <Extensions {...{ extensions, onChanged }} />
            <Servers {...{ servers, onChanged }} />
            <section>
              <h2>Every tool, with its calls of the last hour</h2>
              <div class="list">
                {tools.filter(({ name }) => name.includes(words)).map((tool) => (
                  <ToolRow
                    key={tool.name}
                    tool={tool}
                  />
                ))}
              </div>
            </section>
          </>
        )}
      </Loading>
    </>
  );
}

const origins = { nexo: "built in", plugin: "plugin", extension: "extension", mcp: "MCP" } as const;
const effects = {
  none: "only looks",
  idempotent: "safe to run again",
  once: "not run again after a crash",
} as const;

/** One tool, and how its calls of the last hour went. */
export function ToolRow({ tool }: { readonly tool: ToolView }) {
  const { name, description, from, effect, dangerous, agents, calls, errors, medianMs } = tool;
  return (
    <div class="row tool-row">
      <div>
        <strong class="mono">{name}</strong>
        <span class="soft">{description}</span>
        <span class="soft">
          {[
            origins[from],
            effects[effect],
            dangerous ? "never after untrusted text" : "",
            agents.join(", ") || "no agent has it",
          ]
            .filter((part) => part).join(" · ")}
        </span>
      </div>
      <span class="soft number">
        {calls > 0 && `${count(calls, "call")}, ${duration(medianMs ?? 0)}`}
        {errors > 0 && <span class="bad">, {count(errors, "error")}</span>}
      </span>
    </div>
  );
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
        : hash !== undefined && <EnableForm id={id} onEnable={(token) => void change("enable", { hash, token })} />}
    </details>
  );
}

function sayWalls(confinement: ExtensionView["confinement"]): string {
  if (confinement === undefined) return "it does not run";
  return confinement.kind === "unconfined" ? `nothing: ${confinement.reason}` : confinement.kind;
}

function EnableForm({ id, onEnable }: { readonly id: string; onEnable(token: string): void }) {
  const [token, setToken] = useState("");
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        onEnable(token);
      }}
    >
      <label>
        It is a program, and may then do what stands above. The token once more:{" "}
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value.trim())}
        />
      </label>
      <button type="submit" class="primary" disabled={token === ""}>Enable {id}</button>
    </form>
  );
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
    <details class="unfold" open={held.length > 0}>
      <summary class="row">
        <span>
          <strong>{server.server}</strong> <span class="soft">{server.title}</span>
        </span>
        <Pill state={server.state} />
        <span class="reason">
          {server.reason ?? count(server.tools.length, "tool")}
          {held.length > 0 && `, ${held.length} waiting for your word`}
        </span>
      </summary>
      {failure !== undefined && <Failure error={failure} />}
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
