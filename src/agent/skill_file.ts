import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { toAppError } from "../core/error.ts";
import { type Folder, openFolder } from "../folder/folder.ts";

/** A folder in which skills may lie, each as `<prefix><name>/SKILL.md`. Nothing leads out of the folder. */
export interface SkillPlace {
  readonly folder: string;
  readonly prefix: string;
}

/** What a skill may ask of the machine. */
export interface SkillHost {
  /** As Deno names it: `linux`, `darwin`, `windows`. */
  readonly os: string;
  /** Whether an environment variable is set and not empty. Its value is nobody's business. */
  hasVariable(name: string): boolean;
  hasProgram(name: string): Promise<boolean>;
}

/** A skill as it was found. */
export interface FoundSkill {
  readonly name: string;
  readonly description: string;
  /** Its folder, where there is one. */
  readonly source?: SkillSource;
  /** Why it is hidden. */
  readonly fault?: SkillFault;
}

/** Why a skill is hidden, and what mends that. */
export interface SkillFault {
  readonly reason: "absent" | "unreadable" | "front_matter" | "requires";
  readonly message: string;
  readonly remedy: string;
}

/** A skill's own folder. */
export interface SkillSource {
  readonly folder: Folder;
  /** What its paths begin with. */
  readonly prefix: string;
}

/** Longest skill, bytes. */
export const skillBound = 262_144;
const descriptionBound = 500;

const names = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const programName = /^[\w.+-]+$/;
const frontSchema = z.object({
  name: z.string().max(100).optional(),
  description: z.string().default(""),
  requires: z.strictObject({ bins: names, env: names, os: names }).prefault({}),
});
type Front = z.output<typeof frontSchema>;

/** Makes the {@linkcode SkillHost} of this process. Programs are looked for, never started. */
export function newSkillHost(env: Readonly<Record<string, string | undefined>>): SkillHost {
  const { os } = Deno.build;
  const separator = os === "windows" ? ";" : ":";
  const endings = os === "windows" ? [".exe", ".cmd", ".bat"] : [""];
  const folders = (env["PATH"] ?? "").split(separator).filter((folder) => folder !== "");
  return {
    os,
    hasVariable: (name) => (env[name] ?? "") !== "",
    async hasProgram(name) {
      if (!programName.test(name)) return false;
      for (const folder of folders) {
        for (const ending of endings) if (await isProgram(`${folder}/${name}${ending}`)) return true;
      }
      return false;
    },
  };
}

/** Looks a skill up in places, the first that has it, and finds out whether it can be used here. */
export async function inspectSkill(
  places: readonly SkillPlace[],
  name: string,
  host: SkillHost,
): Promise<FoundSkill> {
  const hidden = (reason: SkillFault["reason"], message: string, remedy: string): FoundSkill => ({
    name,
    description: "",
    fault: { reason, message, remedy },
  });
  const home = places.map(({ folder, prefix }) => `${folder}/${prefix}${name}/SKILL.md`);
  try {
    const found = name.includes("/") ? undefined : await findSkill(places, name);
    if (found === undefined) {
      return hidden("absent", `There is no skill ${name}`, `Put it at ${home.join(" or ")}, or take it out of skills`);
    }
    const front = readFront(found.text);
    if (typeof front === "string") {
      return hidden(
        "front_matter",
        `The front matter of the skill ${name} cannot be used: ${front}`,
        `Mend ${found.path}`,
      );
    }
    const description = front.description.slice(0, descriptionBound);
    const missing = await findMissing(front, host);
    if (missing.length === 0) return { name, description, source: found.source };
    const fault = {
      reason: "requires",
      message: `The skill ${name} needs ${missing.map(({ what }) => what).join(" and ")}`,
      remedy: missing.map(({ remedy }) => remedy).join("; "),
    } as const;
    return { name, description, source: found.source, fault };
  } catch (thrown) {
    const { message } = toAppError(thrown);
    return hidden("unreadable", `The skill ${name} cannot be read: ${message}`, `Put a plain file at ${home[0]}`);
  }
}

async function findSkill(places: readonly SkillPlace[], name: string) {
  for (const place of places) {
    const folder = await openIfThere(place.folder);
    const prefix = `${place.prefix}${name}/`;
    const bytes = await folder?.read(`${prefix}SKILL.md`, skillBound);
    if (folder !== undefined && bytes !== undefined) {
      const text = new TextDecoder().decode(bytes);
      return { text, path: `${place.folder}/${prefix}SKILL.md`, source: { folder, prefix } };
    }
  }
  return undefined;
}

/** The front matter of a SKILL.md, or what is wrong with it. One that has none asks for nothing. */
function readFront(text: string): Front | string {
  const [, block = ""] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text) ?? [];
  let value: unknown;
  try {
    value = parseYaml(block) ?? {};
  } catch (thrown) {
    return toAppError(thrown).message.split("\n", 1)[0] ?? "";
  }
  const parsed = frontSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`).join("; ");
}

async function findMissing({ requires }: Front, host: SkillHost) {
  const missing: { readonly what: string; readonly remedy: string }[] = [];
  const systems = requires.os.map((os) => os.toLowerCase() === "macos" ? "darwin" : os.toLowerCase());
  if (systems.length > 0 && !systems.includes(host.os)) {
    missing.push({ what: `the system ${requires.os.join(" or ")}`, remedy: `it cannot be used on ${host.os}` });
  }
  for (const bin of requires.bins) {
    if (!await host.hasProgram(bin)) missing.push({ what: `the program ${bin}`, remedy: `install ${bin}` });
  }
  for (const name of requires.env) {
    if (!host.hasVariable(name)) missing.push({ what: `the variable ${name}`, remedy: `set ${name} and restart` });
  }
  return missing;
}

async function openIfThere(folder: string): Promise<Folder | undefined> {
  try {
    return await openFolder(folder);
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return undefined;
    throw thrown;
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && (mode === null || (mode & 0o111) !== 0);
  } catch {
    return false; // whatever cannot be looked at cannot be started
  }
}
