import type { Agents } from "../agent/open.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Tool } from "../core/tool.ts";
import type { ToolView } from "../http/tools_api.ts";
import { readToolCalls } from "../ledger/activity.ts";
import type { Live } from "../lib/live.ts";
import type { Later } from "./later.ts";

/** What a {@linkcode newToolDesk} looks at. */
export interface ToolDeskDeps {
  readonly config: Live<Config>;
  readonly ledger: Pick<Ledger, "query">;
  readonly clock: Clock;
  readonly extensionTools: Live<readonly Tool[]>;
  readonly mcpTools: Live<readonly Tool[]>;
  readonly agents: Later<Pick<Agents, "describe" | "tools">>;
}

/** Every tool there is, who offers it, who may use it and how its calls went. */
export function newToolDesk(deps: ToolDeskDeps): { list(signal: AbortSignal): Promise<readonly ToolView[]> } {
  const originOf = (tool: Tool): ToolView["from"] => {
    if (deps.extensionTools.current.includes(tool)) return "extension";
    if (deps.mcpTools.current.includes(tool)) return "mcp";
    return tool.plugin === undefined ? "nexo" : "plugin";
  };
  return {
    async list(signal) {
      const agents = deps.agents.get();
      const users = new Map<string, string[]>();
      for (const { id } of deps.config.current.agents) {
        for (const name of await readNames(agents, id)) users.set(name, [...users.get(name) ?? [], id]);
      }
      const past = await readToolCalls(deps.ledger, deps.clock.now(), signal);
      const unused = { calls: 0, errors: 0, medianMs: null };
      return agents.tools().map((tool): ToolView => ({
        name: tool.name,
        description: tool.description,
        from: originOf(tool),
        effect: tool.effect,
        dangerous: tool.dangerous === true,
        agents: users.get(tool.name) ?? [],
        ...past.get(tool.name) ?? unused,
      })).sort((one, other) => one.name < other.name ? -1 : 1);
    },
  };
}

/** Nobody whose model cannot be used uses a tool; why, the agent itself says. */
async function readNames(agents: Pick<Agents, "describe">, id: string): Promise<readonly string[]> {
  const { tools } = await agents.describe(id).catch(() => ({ tools: [] }));
  return tools.map(({ name }) => name);
}
