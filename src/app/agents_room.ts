import { type Agents, type AgentsDeps, openAgents } from "../agent/open.ts";
import { newSkillHost } from "../agent/skill_file.ts";
import type { ChannelTraits } from "../core/plugin.ts";
import type { Tool } from "../core/tool.ts";
import type { Workspaces } from "../core/workspace.ts";
import type { AgentView } from "../http/agents_api.ts";
import type { History } from "../ledger/history.ts";
import { concatLive } from "../lib/concat_live.ts";
import type { Live } from "../lib/live.ts";
import type { Llm } from "../llm/open.ts";
import { newSessionSearchTool } from "../tools/session_search.ts";
import { newWorkspaceTools } from "../workspace/tools.ts";
import { openBackground } from "./background.ts";
import type { Later } from "./later.ts";
import type { AppMemory } from "./memory_room.ts";
import { newAgentPluginTools } from "./plugin_tools.ts";
import { newBuiltInTools, plugins } from "./registry.ts";
import { toAgents } from "./views.ts";

/** The agents at work, with what lists show of them. */
export interface AgentsRoom extends Agents {
  /** As of the newest config and tools. */
  views(): readonly AgentView[];
}

/** What {@linkcode openAgentsRoom} needs. */
export interface AgentsRoomDeps extends Omit<AgentsDeps, "tools" | "resolveModel" | "traits" | "skillHost"> {
  readonly llm: Llm;
  readonly memoryRoom: Pick<AppMemory, "withTools">;
  readonly workspaces: Workspaces;
  readonly history: Pick<History, "search">;
  /** Tools that the program was started with. */
  readonly programTools: readonly Tool[];
  /** Tools of extensions and MCP servers. */
  readonly toolsOfOthers: Live<readonly Tool[]>;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens the agents with every tool that there is.
 *
 * @param agents Gets the room as soon as agents work: what they were asked before a restart needs their tools at once.
 */
export async function openAgentsRoom(deps: AgentsRoomDeps, agents: Later<AgentsRoom>): Promise<AsyncDisposable> {
  const { config, llm, toolsOfOthers, clock, log } = deps;
  await using opening = new AsyncDisposableStack();
  const searchTool = newSessionSearchTool({
    search: deps.history.search,
    searchesAll: (agent) => config.current.agents.find(({ id }) => id === agent)?.config.session_search === "all",
  });
  const steadyTools = deps.memoryRoom.withTools([
    ...newBuiltInTools(clock),
    searchTool,
    ...newWorkspaceTools(deps.workspaces),
    ...newAgentPluginTools(deps, agents),
    ...deps.programTools,
  ]);
  const room = opening.use(openAgents({
    ...deps,
    tools: concatLive(steadyTools, toolsOfOthers),
    resolveModel: (llmConfig, choice, fallbacks) => llm.at(llmConfig).resolve(choice, fallbacks),
    traits: toTraits,
    skillHost: newSkillHost(deps.env),
  }));
  let views: readonly AgentView[] = [];
  agents.set({ ...room, views: () => views });

  const look = async () => {
    views = await toAgents(room, config.current, log);
  };
  const follow = (changing: Live<unknown>) => async (signal: AbortSignal) => {
    for await (const _ of changing.changes(signal)) await look();
  };
  await look();
  // How many tools an agent has changes with what others offer, too.
  opening.use(openBackground(log, [follow(config), follow(toolsOfOthers)]));
  return opening.move();
}

/** Channels inside the process show one message for one key; what a plugin does, it says itself. */
function toTraits(plugin: string): ChannelTraits | undefined {
  const inner: ChannelTraits = { idempotentSend: true, typing: false };
  return plugin === "api" || plugin === "console" || plugin === "agent"
    ? inner
    : plugins.find(({ id }) => id === plugin)?.traits;
}
