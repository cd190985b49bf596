import type { Agents } from "../agent/open.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import { AppError } from "../core/error.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Tool, ToolContent } from "../core/tool.ts";
import type { Extensions } from "../extensions/open.ts";
import type { ToolDesk } from "../http/tool_routes.ts";
import type { ToolTried, ToolView } from "../http/tools_api.ts";
import { readToolCalls } from "../ledger/activity.ts";
import type { Live } from "../lib/live.ts";
import { matchesPattern } from "../lib/pattern.ts";
import type { McpRoom } from "../mcp/open.ts";
import { redact } from "../telemetry/redact.ts";
import type { Later } from "./later.ts";

/** What a {@linkcode newToolDesk} looks at. */
export interface ToolDeskDeps {
  readonly config: Live<Config>;
  readonly ledger: Pick<Ledger, "query">;
  readonly clock: Clock;
  readonly extensions: Pick<Extensions, "tools" | "views">;
  readonly mcp: Pick<McpRoom, "tools" | "view">;
  readonly agents: Later<Pick<Agents, "describe" | "tools" | "outside" | "toolBreaker">>;
}

/** As whom operators call tools: their name in the journal. */
const operator = "operator";
/** Longest part of a result that goes to a page, characters. */
const shownChars = 200_000;
/** A call that has no end of its own ends after this, milliseconds. */
const longestTryMs = 1_800_000;

/** Every tool there is, who offers it, who may use it, how its calls went, and trying one. */
export function newToolDesk(deps: ToolDeskDeps): ToolDesk {
  const { config, extensions, mcp, clock } = deps;

  const originOf = (tool: Tool): Pick<ToolView, "from" | "source"> => {
    if (extensions.tools.current.includes(tool)) {
      const source = extensions.views().find(({ tools }) => tools.includes(tool.name))?.id;
      return { from: "extension", source };
    }
    if (mcp.tools.current.includes(tool)) {
      const source = mcp.view().find(({ tools }) => tools.some(({ name }) => name === tool.name))?.server;
      return { from: "mcp", source };
    }
    return tool.plugin === undefined ? { from: "nexo" } : { from: "plugin", source: tool.plugin };
  };

  const toViews = async (tools: readonly Tool[], signal: AbortSignal): Promise<readonly ToolView[]> => {
    const agents = deps.agents.get();
    const users = new Map<string, string[]>();
    for (const { id } of config.current.agents) {
      for (const name of await readNames(agents, id)) users.set(name, [...users.get(name) ?? [], id]);
    }
    const past = await readToolCalls(deps.ledger, clock.now(), signal);
    const unused = { calls: 0, errors: 0, medianMs: null, slowMs: null };
    return tools.map((tool): ToolView => ({
      name: tool.name,
      description: tool.description,
      ...originOf(tool),
      effect: tool.effect,
      dangerous: tool.dangerous === true,
      agents: users.get(tool.name) ?? [],
      ...past.get(tool.name) ?? unused,
      breaker: agents.toolBreaker(tool.name),
    })).sort((one, other) => one.name < other.name ? -1 : 1);
  };

  const isProgram = ({ from, source }: ToolView): boolean =>
    from === "extension" ||
    mcp.view().some(({ server, confinement }) => from === "mcp" && server === source && confinement !== "none");

  /** What the page must not let happen by a mere click. */
  const findDanger = (view: ToolView): string | undefined => {
    if (isProgram(view)) return `${view.name} runs the program of ${view.source}`;
    if (view.dangerous) return `${view.name} is marked as dangerous`;
    return view.effect === "once" ? `What ${view.name} does cannot be taken back` : undefined;
  };

  const sayPermissions = ({ name, from, source, dangerous }: ToolView): string[] => [
    ...from === "extension" ? extensions.views().find(({ id }) => id === source)?.permissions ?? [] : [],
    ...from === "mcp" ? [`It is asked of the MCP server ${source}.`] : [],
    ...from === "plugin" ? [`It works on accounts of ${source} that the agent hears.`] : [],
    ...dangerous ? ["It is shut in a turn that has read text of strangers."] : [],
    ...config.current.agents.flatMap(({ id, tool_rate_limits: limits }) =>
      Object.entries(limits).slice(0, 100).flatMap(([pattern, { rps, burst }]) =>
        matchesPattern([pattern], name) ? [`${id} may call it ${rps} times a second, ${burst} at once.`] : []
      )
    ),
  ];

  return {
    list: (signal) => toViews(deps.agents.get().tools(), signal),
    async show(name, signal) {
      const tool = deps.agents.get().tools().find((one) => one.name === name);
      const [view] = tool === undefined ? [] : await toViews([tool], signal);
      if (tool === undefined || view === undefined) {
        throw new AppError("missing", `There is no tool ${name} now. The page Tools lists those that are there`, {
          reason: "unknown_tool",
        });
      }
      return {
        ...view,
        inputSchema: tool.inputSchema,
        deadlineMs: tool.deadlineMs ?? null,
        permissions: sayPermissions(view),
        asksToken: findDanger(view),
      };
    },
    async try(tool, { agent, input }) {
      const startedMs = clock.monotonic();
      const { content, turnId, outcome, isError, untrusted } = await deps.agents.get().outside.call({
        agent,
        tool,
        input,
        caller: operator,
        beside: [],
        // Whoever closes the page does not cut off a call that is under way; the turn says what became of it.
        signal: AbortSignal.timeout(longestTryMs),
        progress: () => {},
      });
      const tookMs = Math.round(clock.monotonic() - startedMs);
      return { turnId, outcome, isError, untrusted, tookMs, content: content.map(toShown) };
    },
  };
}

/** Nobody whose model cannot be used uses a tool; why, the agent itself says. */
async function readNames(agents: Pick<Agents, "describe">, id: string): Promise<readonly string[]> {
  const { tools } = await agents.describe(id).catch(() => ({ tools: [] }));
  return tools.map(({ name }) => name);
}

function toShown(part: ToolContent): ToolTried["content"][number] {
  if (part.type === "image") return part;
  const text = redact(part.type === "text" ? part.text : JSON.stringify(part.value, null, 2));
  if (text.length <= shownChars) return { type: "text", text };
  return { type: "text", text: `${text.slice(0, shownChars)}\n[${text.length - shownChars} more characters]` };
}
