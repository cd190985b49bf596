import { inspectSkill, newSkillHost } from "../agent/skill_file.ts";
import { type Shelves, toWorkspacePaths } from "../agent/workspace.ts";
import type { Config } from "../config/config.ts";

/** Something that is not as it should be. */
export interface Finding {
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** The command, or the deed, that mends it. */
  readonly mend: string;
  /** Worth knowing, and no reason to be alarmed. */
  readonly isNote?: boolean;
  /** Does what mends it, where that can do no harm. */
  fix?(): Promise<void>;
}

/** One thing that `agent doctor` looks at. */
export interface Check {
  /** One or two words: what is looked at. */
  readonly name: string;
  look(): Promise<readonly Finding[]>;
}

/** What the rooms have to be asked, in the order of the answer. Another room adds its check here. */
export function newChecks(
  deps: {
    readonly config: Config;
    readonly shelves: Shelves;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): readonly Check[] {
  return [newSkillCheck(deps)];
}

function newSkillCheck({ config, shelves, env }: Parameters<typeof newChecks>[0]): Check {
  const host = newSkillHost(env);
  return {
    name: "skills",
    async look() {
      const found = await Promise.all(config.agents.flatMap((agent) => {
        const { skillPlaces, skills } = toWorkspacePaths(agent, shelves);
        return skills.map(async (name) => ({ agent: agent.id, ...await inspectSkill(skillPlaces, name, host) }));
      }));
      return found.flatMap(({ agent, fault }) =>
        fault === undefined ? [] : [{
          what: `${agent}: ${fault.message}`,
          why: "The skill is hidden from the agent, who does not know that it could do this.",
          mend: fault.remedy,
        }]
      );
    },
  };
}
