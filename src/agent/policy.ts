import type { AgentConfig, Binding } from "../config/agents.ts";
import type { Config } from "../config/config.ts";
import type { Inbound } from "../core/message.ts";
import { matchesPattern } from "../lib/pattern.ts";

/** What holds for a message: the agent that answers it, with the values of the binding over the agent's own. */
export interface Policy {
  readonly agent: AgentConfig;
  /** Absent for what needs none: console, API, tasks of other agents, the agent's own clock. */
  readonly binding: Binding | undefined;
  readonly allowedTools: readonly string[];
  readonly allowedDelegates: readonly string[];
  readonly senderRate: AgentConfig["sender_rate_limit"];
  readonly language: string | undefined;
  readonly model: AgentConfig["model"];
}

/** Plugins inside the process whose instance *is* the agent: everybody who may reach them holds the console's token. */
const innerPlugins: ReadonlySet<string> = new Set(["api", "console", "agent", "heartbeat"]);

/** Whether a plugin lives inside the process and needs no binding. */
export function isInnerPlugin(plugin: string): boolean {
  return innerPlugins.has(plugin);
}

/** Who answers what comes in through an instance, and under which policy; `undefined` where nobody does. */
export function findPolicy(config: Config, plugin: string, instance: string): Policy | undefined {
  if (isInnerPlugin(plugin)) {
    const agent = config.agents.find((candidate) => candidate.id === instance);
    return agent && toPolicy(agent, undefined);
  }
  for (const agent of config.agents) {
    const binding = agent.inbound_bindings.find((one) => one.plugin === plugin && one.instance === instance);
    if (binding !== undefined) return toPolicy(agent, binding);
  }
  return undefined;
}

/**
 * Why the config does not let a message be answered, or `undefined` where its sender may talk. Denies whatever is not
 * allowed in words; of those with `sender_not_allowed` the operator may have let in some.
 */
export function findRefusal(policy: Policy, message: Inbound): string | undefined {
  const { binding } = policy;
  if (message.text.trim() === "" && message.attachments.length === 0) return "empty";
  if (binding === undefined) return undefined;
  if (message.isGroup) {
    if (binding.groups === "off") return "group_off";
    if (binding.allow_groups.length > 0 && !binding.allow_groups.includes(message.conversation)) {
      return "group_not_allowed";
    }
    if (binding.groups === "mention" && !message.mentionsMe) return "not_mentioned";
    if (binding.allow_groups.length > 0) return undefined;
  }
  if (binding.open) return undefined;
  const { id, handle, aliases = [] } = message.sender;
  // Networks that have handles take them in any case.
  const name = handle === undefined ? undefined : `@${handle}`.toLowerCase();
  const allowed = binding.allow_from.some((entry) =>
    entry === id || aliases.includes(entry) || entry.toLowerCase() === name
  );
  return allowed ? undefined : "sender_not_allowed";
}

function toPolicy(agent: AgentConfig, binding: Binding | undefined): Policy {
  const allowedTools = binding?.allowed_tools ?? agent.allowed_tools ?? [];
  return {
    agent,
    binding,
    allowedTools,
    allowedDelegates: matchesPattern(allowedTools, "delegate")
      ? binding?.allowed_delegates ?? agent.allowed_delegates ?? ["*"]
      : [],
    senderRate: binding?.sender_rate_limit ?? agent.sender_rate_limit,
    language: binding?.language ?? agent.language,
    model: binding?.model ?? agent.model,
  };
}
