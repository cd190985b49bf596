import type { AgentConfig } from "../config/agents.ts";
import type { Log } from "../core/log.ts";
import { toAppError } from "../core/error.ts";

/** What an agent's folder says about it. */
export interface Workspace {
  /** Part of every prompt. */
  readonly shared: string;
  /** Part of prompts in private conversations only. */
  readonly personal: string;
  /** Name and description of each skill that is there. */
  readonly skills: readonly Skill[];
}

/** A skill as the prompt names it. */
export interface Skill {
  readonly name: string;
  readonly description: string;
  /** Path of its SKILL.md. */
  readonly path: string;
}

/** Where an agent's papers are. */
export interface WorkspacePaths {
  readonly folder: string;
  readonly skillsFolder: string;
  readonly skills: readonly string[];
}

/** An agent's papers are below `stateDir`, the data folder, unless the config says otherwise. */
export function toWorkspacePaths(agent: AgentConfig, stateDir: string): WorkspacePaths {
  const folder = agent.workspace ?? `${stateDir}/agents/${agent.id}/workspace`;
  return { folder, skillsFolder: agent.skills_dir ?? `${folder}/skills`, skills: agent.skills };
}

/** File with the instructions of a skill. */
export function toSkillPath({ skillsFolder }: WorkspacePaths, name: string): string {
  return `${skillsFolder}/${name}/SKILL.md`;
}

/** In the order in which they stand in the prompt. What concerns a person never goes into a group's prompt. */
const sharedFiles = ["IDENTITY.md", "SOUL.md", "AGENTS.md"] as const;
const personalFiles = ["USER.md", "MEMORY.md"] as const;
/** Longest part of one file that goes into a prompt, characters. */
const fileBound = 20_000;

/** Reads an agent's papers. A file that is not there is no fault; one that cannot be read is logged and left out. */
export async function readWorkspace(paths: WorkspacePaths, log: Log): Promise<Workspace> {
  const read = async (name: string) => {
    const text = await readBounded(`${paths.folder}/${name}`, log);
    return text === undefined ? "" : `# ${name.replace(".md", "")}\n${text}\n\n`;
  };
  const [shared, personal, skills] = await Promise.all([
    Promise.all(sharedFiles.map(read)),
    Promise.all(personalFiles.map(read)),
    Promise.all(paths.skills.map((name) => readSkill(toSkillPath(paths, name), name, log))),
  ]);
  return {
    shared: shared.join(""),
    personal: personal.join(""),
    skills: skills.filter((skill) => skill !== undefined),
  };
}

/** What tells whether any of an agent's papers changed: times and sizes, joined. */
export async function workspaceStamp(paths: WorkspacePaths): Promise<string> {
  const files = [
    ...[...sharedFiles, ...personalFiles].map((name) => `${paths.folder}/${name}`),
    ...paths.skills.map((name) => toSkillPath(paths, name)),
  ];
  const stamps = await Promise.all(files.map(async (path) => {
    try {
      const info = await Deno.stat(path);
      return `${info.mtime?.getTime()}:${info.size}`;
    } catch (thrown) {
      return toAppError(thrown).kind;
    }
  }));
  return stamps.join("|");
}

async function readSkill(path: string, name: string, log: Log): Promise<Skill | undefined> {
  const text = await readBounded(path, log);
  if (text === undefined) {
    log.warn("skill.missing", { skill: name });
    return undefined;
  }
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? "";
  const description = /^description:\s*(.+)$/m.exec(front)?.[1]?.trim().replace(/^["']|["']$/g, "") ?? "";
  return { name, description: description.slice(0, 500), path };
}

async function readBounded(path: string, log: Log): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(path);
    return text.length <= fileBound ? text.trim() : `${text.slice(0, fileBound)}\n[the rest is left out]`;
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind !== "missing") log.warn("workspace.unreadable", { path, error: error.message });
    return undefined;
  }
}
