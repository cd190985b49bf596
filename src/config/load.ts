import { join, normalize } from "node:path";
import { AppError } from "../core/error.ts";
import { readAddresses } from "./addresses.ts";
import type { Config, PluginSchema } from "./config.ts";
import { crossCheck } from "./crosscheck.ts";
import { type ConfigDocument, newEmptyDocument, readDocument } from "./document.ts";
import { type ConfigFault, didYouMean } from "./fault.ts";
import { agentsDir, configFiles, type ConfigFolder, listConfigFolder, pluginsDir } from "./files.ts";
import { newGatherer } from "./gatherer.ts";
import { type Origin, traceOrigins } from "./origins.ts";
import { outlineAgents } from "./outline.ts";
import { checkPluginFile } from "./plugin_file.ts";
import { whyUnreadable } from "./references.ts";
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
}

/**
 * Reads the whole config folder, checks each file and then all of them together. All faults of all files come at once.
 * Nothing is kept between two calls.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadResult> {
  const folder = await listFolder(options.dir);
  if ("message" in folder) return { ok: false, faults: [folder] };

  const isPluginless = (name: string) =>
    name.startsWith(`${pluginsDir}/`) && !options.plugins.some(({ id }) => name === toPluginFileName(id));
  const strangers = [...folder.strangers, ...folder.files.filter(isPluginless)];
  const documents = new Map<string, ConfigDocument>();
  for (const name of folder.files.filter((name) => !isPluginless(name))) {
    const path = join(options.dir, name);
    documents.set(name, await readDocument(path, normalize(path), options));
  }
  const documentOf = (name: string) => documents.get(name) ?? newEmptyDocument(normalize(join(options.dir, name)));

  const gather = newGatherer();
  const agentDocuments = [...documents].filter(([name]) => name === "agents.yaml" || name.startsWith(`${agentsDir}/`))
    .map(([, document]) => document);
  const agents = agentDocuments.flatMap((document) => {
    const file = gather.check(configFiles["agents.yaml"], document);
    return file?.agents.map((agent, index) => ({ agent, document, path: ["agents", index] })) ?? [];
  });
  const llm = gather.check(configFiles["llm.yaml"], documentOf("llm.yaml"));
  const broker = gather.check(configFiles["broker.yaml"], documentOf("broker.yaml"));
  const memory = gather.check(configFiles["memory.yaml"], documentOf("memory.yaml"));
  const fileRuntime = gather.check(configFiles["runtime.yaml"], documentOf("runtime.yaml"));
  const pluginFiles = [...documents].filter(([name]) => name.startsWith(`${pluginsDir}/`))
    .flatMap(([name, document]) => {
      const plugin = options.plugins.find(({ id }) => name === toPluginFileName(id));
      return plugin === undefined ? [] : [checkPluginFile(plugin, document, gather)];
    });
  const overrides = readAddresses(options.env);

  const outlines = agentDocuments.flatMap(outlineAgents);
  const faults = [
    ...strangers.map((name) => newStrangerFault(name, options)),
    ...[...documents.values()].flatMap((document) => document.faults),
    ...gather.faults,
    ...overrides.faults,
    ...findNoAgents(agentDocuments, outlines.length, documentOf("agents.yaml").file),
    ...crossCheck({
      agents: outlines,
      llm: documentOf("llm.yaml"),
      instances: pluginFiles.flatMap((file) => file.mentions),
      plugins: options.plugins.map(({ id }) => id),
      unreadablePlugins: pluginFiles.filter((file) => !file.document.readable).map((file) => file.plugin),
      agentsReadable: agentDocuments.every((document) => document.readable),
    }),
  ];
  if (faults.length > 0) return { ok: false, faults: sortByPlace(faults) };
  if (llm === undefined || broker === undefined || memory === undefined || fileRuntime === undefined) {
    throw new AppError("bug", "Cannot load config: a file was refused without a fault");
  }

  const instances = pluginFiles.flatMap((file) => file.instances);
  const config: Config = {
    generation: options.generation,
    agents: agents.map(({ agent }) => agent),
    llm,
    broker: broker.broker,
    memory,
    runtime: { ...fileRuntime, http: { ...fileRuntime.http, ...overrides.addresses } },
    plugins: instances.map(({ instance }) => instance),
  };
  const origins = new Map<string, Origin>([
    ...agents.flatMap(({ agent, document, path }) => traceOrigins(document, path, ["agents", agent.id])),
    ...traceOrigins(documentOf("llm.yaml"), [], ["llm"]),
    ...traceOrigins(documentOf("broker.yaml"), ["broker"], ["broker"]),
    ...traceOrigins(documentOf("memory.yaml"), [], ["memory"]),
    ...traceOrigins(documentOf("runtime.yaml"), [], ["runtime"]),
    ...instances.flatMap(({ instance, document, path }) =>
      traceOrigins(document, path, ["plugins", instance.plugin, instance.instance])
    ),
    ...overrides.origins,
  ]);
  const all = [...documents.values()];
  return {
    ok: true,
    loaded: {
      config: deepFreeze(config),
      origins,
      warnings: all.flatMap((document) => document.warnings),
      files: [...all.map((document) => document.file), ...all.flatMap((document) => document.secretFiles)],
      plugins: options.plugins,
    },
  };
}

async function listFolder(dir: string): Promise<ConfigFolder | ConfigFault> {
  try {
    return await listConfigFolder(dir);
  } catch (error) {
    return {
      file: normalize(dir),
      path: "",
      message: `the config folder cannot be read: ${whyUnreadable(error)}`,
      remedy: "Create it, or name another folder with --config or AGENT_CONFIG",
    };
  }
}

function toPluginFileName(plugin: string): string {
  return `${pluginsDir}/${plugin}.yaml`;
}

function newStrangerFault(name: string, { dir, plugins }: LoadOptions): ConfigFault {
  const file = normalize(join(dir, name));
  const known = name.startsWith(`${pluginsDir}/`)
    ? plugins.map(({ id }) => toPluginFileName(id))
    : Object.keys(configFiles);
  if (name.endsWith(".yml")) {
    return { file, path: "", message: "is not read", remedy: "Rename it to end in .yaml, or in .example.yaml" };
  }
  return {
    file,
    path: "",
    message: `nothing reads this file.${didYouMean(name, known)}`,
    remedy: "Rename it, or let its name end in .example.yaml",
  };
}

function findNoAgents(documents: readonly ConfigDocument[], agents: number, file: string): ConfigFault[] {
  if (agents > 0 || documents.some((document) => document.faults.length > 0)) return [];
  const remedy = 'Write at least one agent: agents: [{ id: ana, system_prompt: "You are Ana." }]';
  const [first] = documents;
  if (first === undefined) return [{ file, path: "", message: "is missing, and agents.d has no agent", remedy }];
  return [{ file: first.file, ...first.position(["agents"]), path: "agents", message: "defines no agent", remedy }];
}

function sortByPlace(faults: readonly ConfigFault[]): ConfigFault[] {
  // Stable: files keep their order, within a file the reader goes from top to bottom.
  const files = [...new Set(faults.map((fault) => fault.file))];
  return faults.toSorted((a, b) =>
    files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
}
