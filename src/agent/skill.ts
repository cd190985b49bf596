import type { Config } from "../config/config.ts";
import { toAppError } from "../core/error.ts";
import { newTextResult, type Tool } from "../core/tool.ts";
import type { Live } from "../lib/live.ts";
import { toSkillPath, toWorkspacePaths } from "./workspace.ts";

/** Longest skill that a model is shown, characters. */
const skillBound = 60_000;

/**
 * Makes the tool with which an agent reads one of its skills: prompts hold only their names and descriptions.
 * `stateDir` is the data folder.
 */
export function newOpenSkillTool(config: Live<Config>, stateDir: string): Tool {
  return {
    name: "open_skill",
    description: "Reads the instructions of one of your skills. Do so before you use it.",
    inputSchema: {
      type: "object",
      properties: { name: { type: "string", description: "Name of the skill, as listed" } },
      required: ["name"],
      additionalProperties: false,
    },
    effect: "none",
    parallelSafe: true,
    async run(input, { agent }) {
      // The input was checked against the schema above before run() is called.
      const { name } = input as { name: string };
      const settings = config.current.agents.find((one) => one.id === agent);
      // Only names of the agent's own list reach the file system.
      if (settings === undefined || !settings.skills.includes(name)) {
        return newTextResult(`You have no skill ${name}. Your skills: ${settings?.skills.join(", ") ?? ""}`, true);
      }
      try {
        const text = await Deno.readTextFile(toSkillPath(toWorkspacePaths(settings, stateDir), name));
        return newTextResult(text.slice(0, skillBound));
      } catch (thrown) {
        return newTextResult(`The skill ${name} cannot be read: ${toAppError(thrown).message}`, true);
      }
    },
  };
}
