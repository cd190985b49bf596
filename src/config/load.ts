import { join, normalize } from "node:path";
import { AppError } from "../core/error.ts";
import { readAddresses } from "./addresses.ts";
import type { Config, PluginSchema } from "./config.ts";
import { crossCheck } from "./crosscheck.ts";
import { type ConfigDocuments, readDocuments } from "./documents.ts";
import type { ConfigFault } from "./fault.ts";
import { configFiles } from "./files.ts";
import { newGatherer } from "./gatherer.ts";
import { type Origin, traceOrigins } from "./origins.ts";
import { type AgentOutline, outlineAgents, outlineMemory } from "./outline.ts";
import { checkPluginFile } from "./plugin_file.ts";
import { valueAt } from "./issues.ts";
import { hideFound } from "./references.ts";
import { deepFreeze } from "./same.ts";

/** A config without faults, and what is known about it. */
export interface LoadedConfig {
  readonly config: Config;
  /** By path as `explain` takes it: `agents.ana.model`, `llm.providers.anthropic.api_key`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Unwise, but in force. */
  readonly warnings: readonly ConfigFault[];
  /** Every file that was read, secret files included. */
  readonly files: readonly string[];
  /** Plugins that it was checked against. */
  readonly plugins: readonly PluginSchema[];
}

/** A loaded config, or everything that is wrong with it. */
export type LoadResult =
  | { readonly ok: true; readonly loaded: LoadedConfig }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/** What a config is loaded from. */
export interface LoadOptions {
  /** Config folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly plugins: readonly PluginSchema[];
  /** Number that the config gets. */
  readonly generation: number;
  /** A config that only lacks what is not there yet will do: see {@linkcode ConfigFault.isUnfinished}. */
  readonly allowUnfinished?: boolean;
  /** Texts that files shall have in place of their own; `path` in the folder. */
  readonly edited?: readonly { readonly path: string; readonly text: string }[];
}

/**
 * Reads the whole config folder, checks each file and then all of them together. All faults of all files come at once.
 * Nothing is kept between two calls.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadResult> {
  const documents = await readDocuments(options, options.plugins, options.edited);
  if ("message" in documents) return { ok: false, faults: [documents] };

  const checked = checkDocuments(documents);
  const addresses = readAddresses(options.env);
  const outlines = documents.agents.flatMap(outlineAgents);
  const isShared = checked.broker?.broker.type === "nats";
  const found = documents.all.flatMap((document) => document.found);
  const faults = [
    ...documents.faults,
    ...documents.all.flatMap((document) => document.faults),
    ...checked.faults,
    ...addresses.faults,
    // On NATS a process may run plugins alone, whose agents are elsewhere.
    ...isShared ? [] : findNoAgents(documents, outlines, options.dir),
    ...crossCheck({
      agents: outlines,
      llm: documents.llm,
      memoryProviders: outlineMemory(documents.memory),
      mcp: documents.mcp,
      instances: checked.pluginFiles.flatMap((file) => file.mentions),
      accounts: checked.pluginFiles.flatMap((file) => file.instances).flatMap(({ instance, account, ...place }) =>
        account === undefined ? [] : [{ ...place, plugin: instance.plugin, instance: instance.instance, account }]
      ),
      plugins: options.plugins.map(({ id }) => id),
      unreadablePlugins: documents.plugins.filter(({ document }) => !document.readable).map(({ plugin }) => plugin.id),
      shared: isShared,
      agentsReadable: documents.agents.every((document) => document.readable),
    }).map((fault) => ({
      ...fault,
      message: hideFound(fault.message, found),
      remedy: hideFound(fault.remedy, found),
    })),
  ];
  const isGood = faults.every(({ isUnfinished }) => isUnfinished === true && options.allowUnfinished === true);
  if (!isGood) return { ok: false, faults: sortByPlace(faults) };

  const { agents, llm, broker, memory, extensions, mcp, runtime } = checked;
  if (
    llm === undefined || broker === undefined || memory === undefined || extensions === undefined ||
    mcp === undefined || runtime === undefined
  ) {
    // What is not there yet kept the whole file from being understood.
    if (faults.length > 0) return { ok: false, faults: sortByPlace(faults) };
    throw new AppError("bug", "Cannot load config: a file was refused without a fault");
  }
  const instances = checked.pluginFiles.flatMap((file) => file.instances);
  const config: Config = {
    generation: options.generation,
    agents: agents.map(({ agent }) => agent),
    llm,
    broker: broker.broker,
    memory,
    extensions,
    mcp,
    runtime: { ...runtime, http: { ...runtime.http, ...addresses.addresses } },
    plugins: instances.map(({ instance }) => instance),
  };
  const origins = new Map<string, Origin>([
    ...agents.flatMap(({ agent, document, path }) => traceOrigins(document, path, ["agents", agent.id])),
    ...traceOrigins(documents.llm, [], ["llm"]),
    ...traceOrigins(documents.broker, ["broker"], ["broker"]),
    ...traceOrigins(documents.memory, [], ["memory"]),
    ...traceOrigins(documents.extensions, [], ["extensions"]),
    ...traceOrigins(documents.mcp, [], ["mcp"]),
    ...traceOrigins(documents.runtime, [], ["runtime"]),
    ...instances.flatMap(({ instance, document, path }) =>
      traceOrigins(document, path, ["plugins", instance.plugin, instance.instance])
    ),
    ...addresses.origins,
  ]);
  const loaded: LoadedConfig = {
    config: deepFreeze(config),
    origins,
    warnings: documents.all.flatMap((document) => document.warnings),
    files: documents.all.flatMap((document) => [document.file, ...document.secretFiles]),
    plugins: options.plugins,
  };
  return { ok: true, loaded };
}

/** Checks each file against its schema. What is wrong is in `faults`, and has no value. */
function checkDocuments(documents: ConfigDocuments) {
  const gather = newGatherer();
  return {
    agents: documents.agents.flatMap((document) => {
      const file = gather.check(configFiles["agents.yaml"], document, [], withAgents(document.value));
      return (file?.agents ?? []).map((agent, index) => ({ agent, document, path: ["agents", index] }));
    }),
    llm: gather.check(configFiles["llm.yaml"], documents.llm),
    broker: gather.check(configFiles["broker.yaml"], documents.broker),
    memory: gather.check(configFiles["memory.yaml"], documents.memory),
    extensions: gather.check(configFiles["extensions.yaml"], documents.extensions),
    mcp: gather.check(configFiles["mcp.yaml"], documents.mcp),
    runtime: gather.check(configFiles["runtime.yaml"], documents.runtime),
    pluginFiles: documents.plugins.map(({ plugin, document }) => checkPluginFile(plugin, document, gather)),
    faults: gather.faults,
  };
}

/** A key `agents` with nothing behind it, everything below commented out for one, is a list without agents. */
function withAgents(value: unknown): unknown {
  return valueAt(value, ["agents"]) === null ? { ...Object(value), agents: [] } : value;
}

function findNoAgents(documents: ConfigDocuments, agents: readonly AgentOutline[], dir: string): ConfigFault[] {
  if (agents.length > 0 || documents.agents.some((document) => document.faults.length > 0)) return [];
  const remedy =
    'Make one: agent setup agent --id ana. Or write it: agents: [{ id: ana, system_prompt: "You are Ana." }]';
  const fault = { remedy, isUnfinished: true };
  const [first] = documents.agents;
  if (first === undefined) {
    const file = normalize(join(dir, "agents.yaml"));
    return [{ ...fault, file, path: "", message: "is missing, and agents.d has no agent" }];
  }
  return [{ ...fault, file: first.file, ...first.position(["agents"]), path: "agents", message: "defines no agent" }];
}

function sortByPlace(faults: readonly ConfigFault[]): ConfigFault[] {
  // Stable: files keep their order, within a file the reader goes from top to bottom.
  const files = [...new Set(faults.map((fault) => fault.file))];
  return faults.toSorted((a, b) =>
    files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
}
