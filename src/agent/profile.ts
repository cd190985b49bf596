import type { Config } from "../config/config.ts";
import type { AgentConfig } from "../config/agents.ts";
import type { LlmConfig } from "../config/llm.ts";
import type { Clock } from "../core/clock.ts";
import type { LlmMessage, LlmSystemBlock, LlmTool, ModelRoute } from "../core/llm.ts";
import type { Log } from "../core/log.ts";
import type { Tool } from "../core/tool.ts";
import { matchesPattern } from "../lib/pattern.ts";
import type { Live } from "../lib/live.ts";
import { toDay } from "./budget.ts";
import { type Policy } from "./policy.ts";
import { newSystemPrompt } from "./prompt.ts";
import type { SkillHost } from "./skill_file.ts";
import { newToolShelf } from "./tool_shelf.ts";
import {
  readWorkspace,
  type Shelves,
  toWorkspacePaths,
  type Workspace,
  type WorkspacePaths,
  workspaceStamp,
} from "./workspace.ts";

/** Everything that a turn needs of its agent, made once for each generation of config and tools and used by all its turns. */
export interface Profile {
  readonly route: ModelRoute;
  readonly tools: ReadonlyMap<string, Tool>;
  /** Those that the model sees after `messages`. Keeps its identity while they are the same. */
  shownTools(messages: readonly LlmMessage[]): readonly LlmTool[];
  readonly workspace: WorkspacePaths;
  /** Keeps its identity until the day or a paper changes. */
  system(isGroup: boolean): readonly LlmSystemBlock[];
}

/** Picks the model for a choice of the config. @throws {AppError} `invalid` where it has no key. */
export type ResolveModel = (
  llm: LlmConfig,
  choice: AgentConfig["model"],
  fallbacks: AgentConfig["fallback_models"],
) => ModelRoute;

/** Makes and keeps profiles. */
export interface Profiles {
  /** @throws {AppError} `invalid` where the agent's model cannot be used. */
  of(config: Config, policy: Policy): Promise<Profile>;
}

/** How old the last look at an agent's papers may be, milliseconds. */
const freshMs = 500;

/** Makes {@linkcode Profiles}. */
export function newProfiles(deps: {
  readonly tools: Live<readonly Tool[]>;
  /** Tools beside those that change. */
  readonly ownTools: readonly Tool[];
  readonly resolveModel: ResolveModel;
  readonly shelves: Shelves;
  readonly skillHost: SkillHost;
  readonly clock: Clock;
  readonly log: Log;
}): Profiles {
  const byConfig = new WeakMap<Config, { tools: readonly Tool[]; made: Map<string, Promise<Profile>> }>();
  const papers = newPapers(deps);

  const build = (config: Config, policy: Policy): Profile => {
    const { agent } = policy;
    const allowed = new Map(
      [...deps.tools.current, ...deps.ownTools]
        .filter((tool) => isAllowed(tool, policy, config))
        .toSorted((one, other) => one.name < other.name ? -1 : 1)
        .map((tool) => [tool.name, tool]),
    );
    const { tools, shown } = newToolShelf(allowed, agent.config.tool_search_above);
    const paths = toWorkspacePaths(agent, deps.shelves);
    let prompts: {
      day: string;
      workspace: Workspace;
      group?: readonly LlmSystemBlock[];
      personal?: readonly LlmSystemBlock[];
    } | undefined;
    return {
      route: deps.resolveModel(config.llm, policy.model, agent.fallback_models),
      tools,
      shownTools: shown,
      workspace: paths,
      system(isGroup) {
        const day = toDay(deps.clock.now());
        const workspace = papers.known(paths);
        if (prompts?.day !== day || prompts.workspace !== workspace) prompts = { day, workspace };
        const make = () => newSystemPrompt({ policy, agents: config.agents, workspace, isGroup, day });
        return isGroup ? prompts.group ??= make() : prompts.personal ??= make();
      },
    };
  };

  return {
    async of(config, policy) {
      let known = byConfig.get(config);
      if (known?.tools !== deps.tools.current) {
        byConfig.set(config, known = { tools: deps.tools.current, made: new Map() });
      }
      const key = `${policy.agent.id} ${policy.binding?.plugin ?? ""} ${policy.binding?.instance ?? ""}`;
      let profile = known.made.get(key);
      if (profile === undefined) {
        profile = Promise.resolve().then(() => build(config, policy));
        known.made.set(key, profile);
      }
      const made = await profile;
      await papers.refresh(made.workspace);
      return made;
    },
  };
}

function isAllowed(tool: Tool, policy: Policy, config: Config): boolean {
  if (tool.name === "delegate") {
    // Useless without somebody to delegate to; nobody where the tool itself is not allowed. On NATS there may be others.
    if (config.broker.type === "nats" && policy.allowedDelegates.length > 0) return true;
    return config.agents.some((peer) =>
      peer.id !== policy.agent.id && matchesPattern(policy.allowedDelegates, peer.id)
    );
  }
  if (tool.plugin !== undefined && !policy.agent.inbound_bindings.some(({ plugin }) => plugin === tool.plugin)) {
    return false;
  }
  if (tool.name === "open_skill") return policy.agent.skills.length > 0;
  return tool.harmless === true || matchesPattern(policy.allowedTools, tool.name);
}

interface Papers {
  known(paths: WorkspacePaths): Workspace;
  refresh(paths: WorkspacePaths): Promise<void>;
}

const noPapers: Workspace = { shared: "", personal: "", notes: "", skills: [], hidden: [] };
/** How often what a hidden skill lacks is looked for again, milliseconds. */
const lackMs = 60_000;

function newPapers(
  { clock, log, skillHost: host }: { readonly clock: Clock; readonly log: Log; readonly skillHost: SkillHost },
): Papers {
  const held = new Map<
    string,
    { stamp: string; workspace: Workspace; lookedAt: number }
  >();
  // Two agents may share a folder and differ in their skills.
  const keyOf = ({ folder, skillPlaces, skills }: WorkspacePaths) =>
    [folder, ...skillPlaces.map((place) => place.folder), ...skills].join("\n");
  const look = async (paths: WorkspacePaths) => {
    const nowMs = clock.now();
    const entry = held.get(keyOf(paths));
    const { hidden } = entry?.workspace ?? noPapers;
    const age = hidden.length === 0 ? "" : Math.floor(nowMs / lackMs);
    const stamp = `${toDay(nowMs)}|${age}|${await workspaceStamp(paths, nowMs)}`;
    if (entry?.stamp === stamp) return;
    const workspace = await readWorkspace(paths, { nowMs, host, log });
    const told = hidden.map(({ message }) => message);
    for (const { reason, message } of workspace.hidden) {
      if (!told.includes(message)) log.warn("skill.hidden", { folder: paths.folder, reason, error: message });
    }
    held.set(keyOf(paths), { stamp, workspace, lookedAt: clock.monotonic() });
  };
  return {
    known: (paths) => held.get(keyOf(paths))?.workspace ?? noPapers,
    async refresh(paths) {
      const entry = held.get(keyOf(paths));
      if (entry === undefined) return await look(paths);
      if (clock.monotonic() - entry.lookedAt < freshMs) return;
      entry.lookedAt = clock.monotonic();
      // A handful of times and sizes: what was written before the message came is seen by its turn.
      await look(paths);
    },
  };
}
