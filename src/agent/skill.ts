import type { Config } from "../config/config.ts";
import { toAppError } from "../core/error.ts";
import { newTextResult, type Tool } from "../core/tool.ts";
import type { Live } from "../lib/live.ts";
import { inspectSkill, skillBound, type SkillHost, type SkillSource } from "./skill_file.ts";
import { type Shelves, toWorkspacePaths } from "./workspace.ts";

/** Longest text that a model is shown, characters. */
const shownBound = 60_000;
const filesShown = 100;
/** Files of one shelf that are looked at for a skill's own. */
const listBound = 2_000;

/**
 * Makes the tool with which an agent reads one of its skills, and the files that lie with it: prompts hold only names
 * and descriptions.
 */
export function newOpenSkillTool(config: Live<Config>, shelves: Shelves, host: SkillHost): Tool {
  return {
    name: "open_skill",
    description:
      "Reads the instructions of one of your skills, or a file that lies with them. Do so before you use it.",
    inputSchema: {
      type: "object",
      properties: {
        name: { type: "string", description: "Name of the skill, as listed" },
        file: { type: "string", maxLength: 400, description: "A file of the skill. Default: its instructions" },
      },
      required: ["name"],
      additionalProperties: false,
    },
    effect: "none",
    parallelSafe: true,
    async run(input, { agent }) {
      // The input was checked against the schema above before run() is called.
      const { name, file } = input as { name: string; file?: string };
      const settings = config.current.agents.find((one) => one.id === agent);
      // Only names of the agent's own list reach the file system.
      if (settings === undefined || !settings.skills.includes(name)) {
        return newTextResult(`You have no skill ${name}. Your skills: ${settings?.skills.join(", ") ?? ""}`, true);
      }
      const { source, fault } = await inspectSkill(toWorkspacePaths(settings, shelves).skillPlaces, name, host);
      if (source === undefined || fault !== undefined) {
        return newTextResult(`The skill ${name} cannot be used: ${fault?.message ?? "it is gone"}`, true);
      }
      try {
        const path = file ?? "SKILL.md";
        const bytes = await source.folder.read(`${source.prefix}${path}`, skillBound);
        if (bytes === undefined) return newTextResult(`The skill ${name} has no file ${path}`, true);
        const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).slice(0, shownBound);
        return newTextResult(file === undefined ? `${text}${await sayFiles(source)}` : text);
      } catch (thrown) {
        return newTextResult(`The skill ${name} cannot be read: ${toAppError(thrown).message}`, true);
      }
    },
  };
}

async function sayFiles({ folder, prefix }: SkillSource): Promise<string> {
  const { files } = await folder.list(listBound, prefix);
  const others = files.map(({ path }) => path.slice(prefix.length)).filter((path) => path !== "SKILL.md");
  if (others.length === 0) return "";
  const more = others.length > filesShown ? `\n[${others.length - filesShown} more]` : "";
  return `\n\nFiles of this skill, for open_skill with \`file\`:\n${others.slice(0, filesShown).join("\n")}${more}`;
}
