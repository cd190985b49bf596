import { z } from "zod";
import type { ConfigFile } from "../config/desk.ts";
import { type ConfigValue, readPlain } from "../config/edit.ts";
import { didYouMean } from "../config/fault.ts";
import type { Path } from "../config/path.ts";
import { AppError } from "../core/error.ts";
import type { Prompts } from "./prompts.ts";
import { type FileChanges, readConfigFile, type Site } from "./site.ts";

/** An agent as its file has it. */
export interface AgentPlace {
  readonly id: string;
  /** File in the config folder. */
  readonly file: string;
  /** {@linkcode ConfigFile.version} of its text. */
  readonly base: string;
  /** Way to the agent in it. */
  readonly path: Path;
  readonly description: string;
  readonly bindings: readonly {
    readonly plugin: string;
    readonly instance: string;
    readonly allow_from?: readonly unknown[] | undefined;
  }[];
}

const bindingSchema = z.object({
  plugin: z.string(),
  instance: z.string().default("default"),
  allow_from: z.array(z.unknown()).optional().catch(undefined),
});
const fileSchema = z.object({
  agents: z.array(z.object({
    id: z.string(),
    description: z.string().catch(""),
    inbound_bindings: z.array(bindingSchema.catch({ plugin: "", instance: "" })).catch([]),
  })),
}).catch({ agents: [] });

/** Every agent, in the order of the files. */
export function findAgents(files: readonly ConfigFile[]): readonly AgentPlace[] {
  return files.filter(({ path }) => path === "agents.yaml" || path.startsWith("agents.d/")).flatMap(toPlaces);
}

/** The agent that is meant: by its id, the only one there is, or as the person says. @throws {AppError} `missing` */
export async function chooseAgent(
  agents: readonly AgentPlace[],
  id: string | undefined,
  prompts: Prompts | undefined,
): Promise<AgentPlace> {
  const [only, ...others] = agents;
  if (id === undefined && only !== undefined && others.length === 0) return only;
  const options = agents.map((agent) => ({ value: agent.id, label: agent.id, hint: agent.description }));
  const wanted = id ?? await prompts?.choose("Which agent shall answer there?", options);
  const known = agents.map((agent) => agent.id);
  if (wanted === undefined) {
    throw new AppError("invalid", `Say which agent answers there, by --agent. There are: ${known.join(", ")}`);
  }
  const found = agents.find((agent) => agent.id === wanted);
  if (found !== undefined) return found;
  const hint = didYouMean(wanted, known) || ` There are: ${known.join(", ")}`;
  throw new AppError("missing", `There is no agent "${wanted}".${hint} Make one: agent setup agent --id ${wanted}`);
}

/** What lets an agent hear an instance, and lets those of `allow` talk besides whoever may already. */
export function toBinding(
  agent: AgentPlace,
  plugin: string,
  instance: string,
  allow: readonly string[],
): FileChanges {
  const index = agent.bindings.findIndex((one) => one.plugin === plugin && one.instance === instance);
  const list: Path = [...agent.path, "inbound_bindings"];
  if (index >= 0) {
    const known = agent.bindings[index]?.allow_from ?? [];
    const added = allow.filter((name) => !known.includes(name));
    const place = [...list, index, "allow_from"];
    const changes = known.length === 0
      ? [{ path: place, value: added }]
      : added.map((value, more) => ({ path: [...place, known.length + more], value }));
    return { path: agent.file, base: agent.base, changes: added.length === 0 ? [] : changes };
  }
  const binding = { plugin, instance, ...(allow.length === 0 ? {} : { allow_from: allow }) };
  const place = [...list, agent.bindings.length];
  return { path: agent.file, base: agent.base, changes: [{ path: place, value: binding }] };
}

/** What puts an account into a plugin's file: its settings replace those that it has under the same name. */
export async function toInstance(
  site: Site,
  plugin: string,
  instance: string,
  settings: Readonly<Record<string, ConfigValue>>,
): Promise<FileChanges> {
  const path = `plugins/${plugin}.yaml`;
  const { text, version: base } = await readConfigFile(site, path);
  const file = z.looseObject({}).catch({}).parse(readPlain(text));
  const instanceSchema = z.looseObject({ instance: z.string().default("default") });
  const one = instanceSchema.safeParse(file[plugin]);
  if (one.success) {
    if (one.data.instance === instance) return { path, base, changes: toChanges([plugin], settings) };
    throw new AppError(
      "invalid",
      `${path} has one account without a list. Write it as a list, "${plugin}: [{ … }]", to add ${instance}`,
    );
  }
  const list = z.array(instanceSchema).catch([]).parse(file[plugin]);
  const index = list.findIndex((entry) => entry.instance === instance);
  if (index >= 0) return { path, base, changes: toChanges([plugin, index], settings) };
  return { path, base, changes: [{ path: [plugin, list.length], value: { instance, ...settings } }] };
}

function toChanges(path: Path, settings: Readonly<Record<string, ConfigValue>>): FileChanges["changes"] {
  return Object.entries(settings).map(([key, value]) => ({ path: [...path, key], value }));
}

function toPlaces({ path: file, text, version: base }: ConfigFile): readonly AgentPlace[] {
  return fileSchema.parse(readPlain(text)).agents.map(({ inbound_bindings: bindings, ...agent }, index) => ({
    ...agent,
    file,
    base,
    path: ["agents", index],
    bindings,
  }));
}
