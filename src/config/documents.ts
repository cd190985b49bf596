import { join, normalize } from "node:path";
import type { PluginSchema } from "./config.ts";
import { type ConfigDocument, newEmptyDocument, readDocument, toDocument } from "./document.ts";
import { type ConfigFault, didYouMean } from "./fault.ts";
import { agentsDir, configFiles, listConfigFolder, pluginsDir } from "./files.ts";
import { type ReferenceScope, whyUnreadable } from "./references.ts";

/** Every file of a config folder, read and parsed, by what it is about. */
export interface ConfigDocuments {
  /** agents.yaml, where it is there, and then agents.d in order of names. */
  readonly agents: readonly ConfigDocument[];
  readonly llm: ConfigDocument;
  readonly broker: ConfigDocument;
  readonly memory: ConfigDocument;
  readonly extensions: ConfigDocument;
  readonly mcp: ConfigDocument;
  readonly runtime: ConfigDocument;
  readonly plugins: readonly { readonly plugin: PluginSchema; readonly document: ConfigDocument }[];
  /** All of them. */
  readonly all: readonly ConfigDocument[];
  /** Faults of the folder: files that nothing reads. */
  readonly faults: readonly ConfigFault[];
}

/** Reads the folder, or says why it cannot be read. */
export async function readDocuments(
  scope: ReferenceScope,
  plugins: readonly PluginSchema[],
  edited: readonly { readonly path: string; readonly text: string }[] = [],
): Promise<ConfigDocuments | ConfigFault> {
  const names = await listNames(scope.dir);
  if ("message" in names) return names;

  const isKnown = (name: string) =>
    !name.startsWith(`${pluginsDir}/`) || plugins.some(({ id }) => name === toPluginFileName(id));
  const documents = new Map<string, ConfigDocument>();
  const files = [...new Set([...names.files, ...edited.map(({ path }) => path)])];
  for (const name of files.filter(isKnown)) {
    const path = join(scope.dir, name);
    const edit = edited.find((one) => one.path === name);
    documents.set(
      name,
      edit === undefined
        ? await readDocument(path, normalize(path), scope)
        : await toDocument(edit.text, normalize(path), scope),
    );
  }
  const documentOf = (name: keyof typeof configFiles) =>
    documents.get(name) ?? newEmptyDocument(normalize(join(scope.dir, name)));
  const strangers = [...names.strangers, ...names.files.filter((name) => !isKnown(name))];
  return {
    agents: [...documents].filter(([name]) => name === "agents.yaml" || name.startsWith(`${agentsDir}/`))
      .map(([, document]) => document),
    llm: documentOf("llm.yaml"),
    broker: documentOf("broker.yaml"),
    memory: documentOf("memory.yaml"),
    extensions: documentOf("extensions.yaml"),
    mcp: documentOf("mcp.yaml"),
    runtime: documentOf("runtime.yaml"),
    plugins: plugins.flatMap((plugin) => {
      const document = documents.get(toPluginFileName(plugin.id));
      return document === undefined ? [] : [{ plugin, document }];
    }),
    all: [...documents.values()],
    faults: strangers.map((name) => newStrangerFault(name, scope.dir, plugins)),
  };
}

async function listNames(dir: string) {
  try {
    return await listConfigFolder(dir);
  } catch (error) {
    return {
      file: normalize(dir),
      path: "",
      message: `the config folder cannot be read: ${whyUnreadable(error)}`,
      remedy: "Make it: agent setup. Or name another folder with --config or AGENT_CONFIG",
    };
  }
}

function toPluginFileName(plugin: string): string {
  return `${pluginsDir}/${plugin}.yaml`;
}

function newStrangerFault(name: string, dir: string, plugins: readonly PluginSchema[]): ConfigFault {
  const at = { file: normalize(join(dir, name)), path: "" };
  if (name.endsWith(".yml")) {
    return { ...at, message: "is not read", remedy: "Rename it to end in .yaml, or in .example.yaml" };
  }
  const known = name.startsWith(`${pluginsDir}/`)
    ? plugins.map(({ id }) => toPluginFileName(id))
    : Object.keys(configFiles);
  return {
    ...at,
    message: `nothing reads this file.${didYouMean(name, known)}`,
    remedy: "Rename it, or let its name end in .example.yaml",
  };
}
