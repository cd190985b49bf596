import { agentsFileSchema } from "./agents.ts";
import { brokerFileSchema } from "./broker.ts";
import { extensionsFileSchema } from "./extensions.ts";
import { llmFileSchema } from "./llm.ts";
import { mcpFileSchema } from "./mcp.ts";
import { memoryFileSchema } from "./memory.ts";
import { runtimeFileSchema } from "./runtime.ts";

/** Every file of the config folder with its schema, in the order of the docs. Plugins bring their own schemas. */
export const configFiles = {
  "agents.yaml": agentsFileSchema,
  "llm.yaml": llmFileSchema,
  "broker.yaml": brokerFileSchema,
  "memory.yaml": memoryFileSchema,
  "extensions.yaml": extensionsFileSchema,
  "mcp.yaml": mcpFileSchema,
  "runtime.yaml": runtimeFileSchema,
} as const;

/** Folder whose files are each like agents.yaml. */
export const agentsDir = "agents.d";

/** Folder with one file a plugin, named after it. */
export const pluginsDir = "plugins";

/** Files of the folder that the runtime reads, relative to it and in order, and those that look as if it did. */
export interface ConfigFolder {
  readonly files: readonly string[];
  /** YAML files that nothing reads: wrong name, wrong ending. */
  readonly strangers: readonly string[];
}

/** No config has more; a folder that does is the wrong one. */
const maxFiles = 1_000;

/**
 * Lists the YAML files of a config folder. Examples (`*.example.yaml`) and hidden files (editors' own) do not count.
 *
 * @throws {Deno.errors.NotFound} and the like, when `dir` cannot be read.
 */
export async function listConfigFolder(dir: string): Promise<ConfigFolder> {
  const top = await listYaml(dir);
  const own = await listYamlIfThere(`${dir}/${agentsDir}`);
  const plugins = await listYamlIfThere(`${dir}/${pluginsDir}`);
  const inside = [
    ...own.map((name) => `${agentsDir}/${name}`),
    ...plugins.map((name) => `${pluginsDir}/${name}`),
  ];
  const isRead = (name: string) => name.includes("/") ? name.endsWith(".yaml") : name in configFiles;
  const all = [...top, ...inside].slice(0, maxFiles);
  return { files: all.filter(isRead), strangers: all.filter((name) => !isRead(name)) };
}

async function listYamlIfThere(dir: string): Promise<string[]> {
  try {
    return await listYaml(dir);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function listYaml(dir: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(dir)) {
    if (entry.isDirectory || entry.name.startsWith(".")) continue;
    if (/\.ya?ml$/.test(entry.name) && !/\.example\.ya?ml$/.test(entry.name)) names.push(entry.name);
  }
  return names.sort();
}
