import type { ConfigValue } from "../config/edit.ts";
import { AppError } from "../core/error.ts";
import { type AgentPlace, findAgents } from "./agents.ts";
import { toId, whyNoId } from "./ids.ts";
import type { Prompts } from "./prompts.ts";
import { carryOut, type PlaceFlags, promptsFor, type Site } from "./site.ts";

/** Flags of `agent setup agent`. */
export interface AgentFlags extends PlaceFlags {
  readonly id?: string;
  readonly name?: string;
  readonly character?: string;
  readonly language?: string;
  readonly description?: string;
}

type Described = Required<Pick<AgentFlags, "id">> & Pick<AgentFlags, "name" | "character" | "language" | "description">;

const newAgent = "+";
const plainCharacter = "A friendly assistant. Answers briefly and plainly.";

/** Sets up an agent: a new one, or other words about one that is there. @throws {AppError} */
export async function setUpAgent(site: Site, flags: AgentFlags): Promise<void> {
  const prompts = await promptsFor(site, "agent", { "--id": flags.id });
  await site.load();
  const files = await site.list();
  const agents = findAgents(files);
  const described = prompts === undefined ? { ...flags, id: toId(flags.id ?? "", "--id") } : await ask(prompts, agents);
  const { id } = described;
  const found = agents.find((agent) => agent.id === id);
  const settings = toSettings(described, found);
  if (found !== undefined && Object.keys(settings).length === 0) {
    if (prompts !== undefined) return prompts.tell(`${id} stays as it is.`);
    throw new AppError("invalid", `There is an agent ${id}. Say what to change: --name, --character, --language`);
  }
  const count = agents.filter(({ file }) => file === "agents.yaml").length;
  const base = files.find(({ path }) => path === "agents.yaml")?.version ?? "";
  const change = found === undefined
    ? { path: "agents.yaml", base, changes: [{ path: ["agents", count], value: { id, ...settings } }] }
    : {
      path: found.file,
      base: found.base,
      changes: Object.entries(settings).map(([key, value]) => ({ path: [...found.path, key], value })),
    };
  await carryOut(site, {
    changes: [change],
    done: `the agent ${id} is there. While agent run runs, talk to it: agent chat ${id}`,
  }, prompts);
}

async function ask(prompts: Prompts, agents: readonly AgentPlace[]): Promise<Described> {
  const chosen = await prompts.choose("Which agent?", [
    ...agents.map(({ id, description }) => ({ value: id, label: `change ${id}`, hint: description })),
    { value: newAgent, label: "a new one" },
  ]);
  const found = agents.find(({ id }) => id === chosen);
  const id = found?.id ?? await prompts.text({
    message: "Its id, for subjects, files and commands",
    check: (text) => whyNoId(text) ?? (agents.some((agent) => agent.id === text) ? "is taken" : undefined),
  });
  const kept = found === undefined ? undefined : "as it is";
  const name = await prompts.text({ message: "Its name", fallback: kept ?? id.charAt(0).toUpperCase() + id.slice(1) });
  const character = await prompts.text({ message: "Who it is and how it behaves", fallback: kept ?? plainCharacter });
  const language = await prompts.text({
    message: "Its language, such as de; or that of whoever writes",
    fallback: kept ?? "the sender's",
  });
  return {
    id,
    ...(name === kept ? {} : { name }),
    ...(character === kept ? {} : { character }),
    ...(language === kept || language === "the sender's" ? {} : { language }),
  };
}

function toSettings(
  { name, character, language, description, id }: Described,
  found: AgentPlace | undefined,
): Readonly<Record<string, ConfigValue>> {
  const isSpoken = found === undefined || name !== undefined || character !== undefined;
  return {
    ...(description === undefined ? {} : { description }),
    ...(found === undefined ? { model: "auto" } : {}),
    ...(isSpoken ? { system_prompt: toPrompt(name ?? id, character ?? plainCharacter) } : {}),
    ...(language === undefined ? {} : { language }),
  };
}

function toPrompt(name: string, character: string): string {
  const start = `You are ${name}`;
  return character.toLowerCase().startsWith(start.toLowerCase()) ? character : `${start}. ${character}`;
}
