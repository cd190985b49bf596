import type { AgentConfig } from "../config/agents.ts";
import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { notesFolder, personalPapers } from "../core/workspace.ts";
import { type Folder, openFolder } from "../folder/folder.ts";
import { inspectSkill, type SkillFault, type SkillHost, type SkillPlace } from "./skill_file.ts";

/** What an agent's folder says about it. */
export interface Workspace {
  /** Part of every prompt. */
  readonly shared: string;
  /** Part of prompts in private conversations only. */
  readonly personal: string;
  /** Notes of today and of the day before, in private conversations only. They change often, so they stand last. */
  readonly notes: string;
  /** Name and description of each skill that can be used here. */
  readonly skills: readonly Skill[];
  /** Why each of the others cannot. */
  readonly hidden: readonly SkillFault[];
}

/** A skill as the prompt names it. */
export interface Skill {
  readonly name: string;
  readonly description: string;
}

/** Where an agent's papers are. */
export interface WorkspacePaths {
  readonly folder: string;
  /** The agent's own skills before those of all agents. */
  readonly skillPlaces: readonly SkillPlace[];
  readonly skills: readonly string[];
}

/** Where papers are that do not lie with an agent. */
export interface Shelves {
  /** The data folder: an agent's papers are below it, unless the config says otherwise. */
  readonly stateDir: string;
  /** Folder with the skills of all agents. */
  readonly skillsDir: string;
}

/** Finds an agent's papers. */
export function toWorkspacePaths(agent: AgentConfig, { stateDir, skillsDir }: Shelves): WorkspacePaths {
  const folder = agent.workspace ?? `${stateDir}/agents/${agent.id}/workspace`;
  const own = agent.skills_dir === undefined ? { folder, prefix: "skills/" } : { folder: agent.skills_dir, prefix: "" };
  return { folder, skillPlaces: [own, { folder: skillsDir, prefix: "" }], skills: agent.skills };
}

/** In the order in which they stand in the prompt. What concerns a person never goes into a group's prompt. */
const sharedPapers = ["IDENTITY.md", "SOUL.md", "AGENTS.md"] as const;
/** Longest part of one file that goes into a prompt, characters. */
const paperBound = 20_000;
const notesBound = 4_000;
/** A larger file is no paper, bytes. */
const readBound = 1_000_000;
const dayMs = 86_400_000;

/** Reads an agent's papers. A file that is not there is no fault; one that cannot be read is logged and left out. */
export async function readWorkspace(
  paths: WorkspacePaths,
  { nowMs, host, log }: { readonly nowMs: number; readonly host: SkillHost; readonly log: Log },
): Promise<Workspace> {
  const folder = await openIfThere(paths.folder, log);
  const read = async (path: string, title: string, bound: number) => {
    const text = await readBounded(folder, path, bound, log);
    return text === undefined || text === "" ? "" : `# ${title}\n${text}\n\n`;
  };
  const readPaper = (name: string) => read(name, name.replace(".md", ""), paperBound);
  const [shared, personal, notes, skills] = await Promise.all([
    Promise.all(sharedPapers.map(readPaper)),
    Promise.all(personalPapers.map(readPaper)),
    Promise.all(toNotes(nowMs).map((path) => read(path, `Notes of ${path.slice(-13, -3)}`, notesBound))),
    Promise.all(paths.skills.map((name) => inspectSkill(paths.skillPlaces, name, host))),
  ]);
  return {
    shared: shared.join(""),
    personal: personal.join(""),
    notes: notes.join(""),
    skills: skills.filter(({ fault }) => fault === undefined),
    hidden: skills.map(({ fault }) => fault).filter((fault) => fault !== undefined),
  };
}

/** What tells whether any of an agent's papers changed: times and sizes, joined. */
export async function workspaceStamp(paths: WorkspacePaths, nowMs: number): Promise<string> {
  const files = [
    ...[...sharedPapers, ...personalPapers, ...toNotes(nowMs)].map((path) => `${paths.folder}/${path}`),
    ...paths.skills.flatMap((name) =>
      paths.skillPlaces.map(({ folder, prefix }) => `${folder}/${prefix}${name}/SKILL.md`)
    ),
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

/** The notes of the day before and of today. */
function toNotes(nowMs: number): readonly string[] {
  return [nowMs - dayMs, nowMs].map((ms) => `${notesFolder}/${new Date(ms).toISOString().slice(0, 10)}.md`);
}

async function openIfThere(path: string, log: Log): Promise<Folder | undefined> {
  try {
    return await openFolder(path);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind !== "missing") log.warn("workspace.unreadable", { path, error: error.message });
    return undefined;
  }
}

async function readBounded(
  folder: Folder | undefined,
  path: string,
  bound: number,
  log: Log,
): Promise<string | undefined> {
  try {
    const bytes = await folder?.read(path, readBound);
    if (bytes === undefined) return undefined;
    const text = new TextDecoder().decode(bytes);
    return text.length <= bound ? text.trim() : `${text.slice(0, bound)}\n[the rest is left out]`;
  } catch (thrown) {
    log.warn("workspace.unreadable", { path, error: toAppError(thrown).message });
    return undefined;
  }
}
