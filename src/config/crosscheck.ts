import { z } from "zod";
import type { ConfigDocument } from "./document.ts";
import { type ConfigFault, didYouMean } from "./fault.ts";
import { kindNames } from "./llm.ts";
import { type AgentOutline, type InstanceMention, type Mention } from "./outline.ts";
import { type Path, toPathText } from "./path.ts";

/** What the files together say, for checks that no single file can make. */
export interface CrossCheckInput {
  readonly agents: readonly AgentOutline[];
  /** llm.yaml. */
  readonly llm: ConfigDocument;
  /** Providers that memory.yaml names. */
  readonly memoryProviders: readonly Mention[];
  /** mcp.yaml. */
  readonly mcp: ConfigDocument;
  /** Instances that plugin files declare. */
  readonly instances: readonly InstanceMention[];
  /** Accounts of instances, where the plugin has such. */
  readonly accounts: readonly AccountMention[];
  /** Plugins that there are. */
  readonly plugins: readonly string[];
  /** Plugins whose file could not be read: what they declare is unknown. */
  readonly unreadablePlugins: readonly string[];
  /** Whether every file with agents could be read. */
  readonly agentsReadable: boolean;
  /** Whether other processes may run plugins and agents that stand in no file here. */
  readonly shared: boolean;
}

/** The account of an instance. */
export interface AccountMention extends InstanceMention {
  readonly account: string;
}

/** Doors into the process itself: they reach every agent without a binding. */
const inProcessPlugins = ["api", "console"] as const;

/** Provider that is built in and needs no entry in llm.yaml. */
const demoProvider = "demo";

/** Finds what contradicts itself across files. */
export function crossCheck(input: CrossCheckInput): ConfigFault[] {
  return [
    ...findDoubleAgents(input.agents),
    ...findDoubleBindings(input.agents.flatMap((agent) => agent.bindings.map((binding) => ({ agent, binding })))),
    ...findDoubleInstances(input.instances),
    ...findDoubleAccounts(input.accounts),
    ...input.agents.flatMap((agent) => agent.bindings.flatMap((binding) => checkBinding(binding, input))),
    ...input.agents.flatMap((agent) => agent.deliveries.flatMap((delivery) => checkDelivery(delivery, input))),
    ...checkProviders(input.llm),
    ...checkProviderMentions(input),
    ...checkDelegates(input),
    ...checkMcpAgents(input),
  ];
}

function findDoubleAgents(agents: readonly AgentOutline[]): ConfigFault[] {
  const first = new Map<string, Mention>();
  const faults: ConfigFault[] = [];
  for (const { id } of agents) {
    if (id === undefined) continue;
    const other = first.get(id.name);
    if (other === undefined) {
      first.set(id.name, id);
      continue;
    }
    faults.push(
      newFault(id, `agent "${id.name}" is already defined at ${sayPlace(other)}`, "Give one of the two another id"),
    );
  }
  return faults;
}

function findDoubleBindings(
  bound: readonly { readonly agent: AgentOutline; readonly binding: InstanceMention }[],
): ConfigFault[] {
  const owners = new Map<string, { readonly agent: AgentOutline; readonly binding: InstanceMention }>();
  const faults: ConfigFault[] = [];
  for (const item of bound) {
    const name = sayInstance(item.binding);
    const owner = owners.get(name);
    if (owner === undefined) {
      owners.set(name, item);
      continue;
    }
    const by = owner.agent.id === undefined ? "another agent" : `agent "${owner.agent.id.name}"`;
    faults.push(newFault(
      item.binding,
      `${name} is already heard by ${by} at ${sayPlace(owner.binding)}`,
      "Remove one of the two bindings: an instance has one agent",
    ));
  }
  return faults;
}

function findDoubleInstances(instances: readonly InstanceMention[]): ConfigFault[] {
  const first = new Map<string, InstanceMention>();
  const faults: ConfigFault[] = [];
  for (const instance of instances) {
    const name = sayInstance(instance);
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, instance);
      continue;
    }
    faults.push(newFault(
      instance,
      `instance "${instance.instance}" is already defined at ${sayPlace(other)}`,
      "Give one of the two another `instance`",
    ));
  }
  return faults;
}

function findDoubleAccounts(accounts: readonly AccountMention[]): ConfigFault[] {
  const first = new Map<string, AccountMention>();
  const faults: ConfigFault[] = [];
  for (const mention of accounts) {
    const key = `${mention.plugin} ${mention.account}`;
    const other = first.get(key);
    if (other === undefined) {
      first.set(key, mention);
      continue;
    }
    faults.push(newFault(
      mention,
      `uses the account of ${sayInstance(other)} at ${sayPlace(other)}`,
      "Give each instance an account of its own: on one, each would take messages of the other",
    ));
  }
  return faults;
}

function checkBinding(binding: InstanceMention, input: CrossCheckInput): ConfigFault[] {
  if (inProcessPlugins.some((name) => name === binding.plugin)) {
    return [newFault(binding, `${binding.plugin} reaches every agent and needs no binding`, "Remove the binding")];
  }
  return checkInstance(binding, input);
}

function checkDelivery(delivery: InstanceMention, input: CrossCheckInput): ConfigFault[] {
  return inProcessPlugins.some((name) => name === delivery.plugin) ? [] : checkInstance(delivery, input);
}

function checkInstance(mention: InstanceMention, input: CrossCheckInput): ConfigFault[] {
  const { plugin, instance } = mention;
  // An empty name has its fault already, and so has a plugin's file that cannot be read.
  if (plugin === "" || instance === "" || input.unreadablePlugins.includes(plugin)) return [];
  if (!input.plugins.includes(plugin)) {
    return [newFault(
      { ...mention, path: [...mention.path, "plugin"] },
      `there is no plugin "${plugin}".${didYouMean(plugin, input.plugins)}`,
      input.plugins.length === 0 ? "Remove it" : `Use one of: ${input.plugins.join(", ")}`,
    )];
  }
  if (input.shared) return [];
  const declared = input.instances.filter((candidate) => candidate.plugin === plugin).map(({ instance }) => instance);
  if (declared.includes(instance)) return [];
  return [newFault(
    { ...mention, path: [...mention.path, "instance"] },
    `${sayInstance(mention)} is not declared.${didYouMean(instance, declared)}`,
    `Add the instance "${instance}" to plugins/${plugin}.yaml, or correct the name`,
  )];
}

const lenientProviders = z.object({
  providers: z.record(z.string(), z.object({ kind: z.unknown() }).partial().catch({})).catch({}).default({}),
}).catch({ providers: {} });

function readProviders(llm: ConfigDocument) {
  return Object.entries(lenientProviders.parse(llm.value).providers);
}

function checkProviders(llm: ConfigDocument): ConfigFault[] {
  return readProviders(llm).flatMap(([name, { kind }]) => {
    const at = { document: llm, path: ["providers", name] };
    if (name === demoProvider) {
      return [newFault(at, "demo is built in and cannot be configured", "Rename the provider")];
    }
    if (kind !== undefined || kindNames.some((known) => known === name)) return [];
    return [newFault(
      at,
      `the name "${name}" does not say which protocol it speaks`,
      `Add kind: one of ${kindNames.join(", ")}`,
    )];
  });
}

function checkProviderMentions({ agents, llm, memoryProviders }: CrossCheckInput): ConfigFault[] {
  if (!llm.readable) return [];
  const known = [...readProviders(llm).map(([name]) => name), demoProvider];
  return [...agents.flatMap((agent) => agent.providers), ...memoryProviders]
    .filter(({ name }) => !known.includes(name))
    .map((mention) =>
      newFault(
        mention,
        `there is no provider "${mention.name}".${didYouMean(mention.name, known)}`,
        `Add it to providers in llm.yaml, or use one of: ${known.join(", ")}`,
      )
    );
}

function checkDelegates({ agents, agentsReadable, shared }: CrossCheckInput): ConfigFault[] {
  if (!agentsReadable || shared) return [];
  const known = agents.flatMap(({ id }) => id === undefined ? [] : [id.name]);
  return agents.flatMap((agent) => agent.delegates)
    .filter(({ name }) => name !== "*" && !known.includes(name))
    .map((mention) =>
      newFault(
        mention,
        `there is no agent "${mention.name}".${didYouMean(mention.name, known)}`,
        `Use one of: ${["*", ...known].join(", ")}`,
      )
    );
}

const lenientAgentName = z.string().optional().catch(undefined);
const lenientMcp = z.object({
  servers: z.record(
    z.string(),
    z.object({ sampling: z.object({ agent: lenientAgentName }).catch({ agent: undefined }) }).partial().catch({}),
  ).catch({}).default({}),
  serve: z.object({
    tokens: z.array(z.object({ agent: lenientAgentName }).catch({ agent: undefined })).catch([]).default([]),
  }).catch({ tokens: [] }).default({ tokens: [] }),
}).catch({ servers: {}, serve: { tokens: [] } });

function checkMcpAgents({ agents, agentsReadable, mcp }: CrossCheckInput): ConfigFault[] {
  if (!agentsReadable || !mcp.readable) return [];
  const known = agents.flatMap(({ id }) => id === undefined ? [] : [id.name]);
  const { servers, serve } = lenientMcp.parse(mcp.value);
  const mentions: readonly { readonly path: Path; readonly agent: string | undefined }[] = [
    ...Object.entries(servers).map(([name, { sampling }]) => ({
      path: ["servers", name, "sampling", "agent"],
      agent: sampling?.agent,
    })),
    ...serve.tokens.map(({ agent }, index) => ({ path: ["serve", "tokens", index, "agent"], agent })),
  ];
  return mentions.flatMap(({ path, agent }) =>
    agent === undefined || known.includes(agent) ? [] : [newFault(
      { document: mcp, path },
      `there is no agent "${agent}".${didYouMean(agent, known)}`,
      `Use one of: ${known.join(", ")}`,
    )]
  );
}

function newFault(
  at: { readonly document: ConfigDocument; readonly path: Path },
  message: string,
  remedy: string,
): ConfigFault {
  return { file: at.document.file, ...at.document.position(at.path), path: toPathText(at.path), message, remedy };
}

function sayPlace({ document, path }: { readonly document: ConfigDocument; readonly path: Path }): string {
  const position = document.position(path);
  return position === undefined ? document.file : `${document.file}:${position.line}`;
}

function sayInstance({ plugin, instance }: InstanceMention): string {
  return `${plugin}.${instance}`;
}
