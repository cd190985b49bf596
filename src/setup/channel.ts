import { toId, whyNoId } from "./ids.ts";
import type { Prompts } from "./prompts.ts";
import type { PlaceFlags, Site } from "./site.ts";

/** Flags that every channel takes. */
export interface ChannelFlags extends PlaceFlags {
  readonly instance?: string;
  readonly agent?: string;
  readonly allow?: readonly string[];
  readonly offline: boolean;
}

/** The name of a channel's account: the one there is, where nothing else is said. @throws {AppError} `invalid` */
export async function nameInstance(
  site: Site,
  plugin: string,
  flags: Pick<ChannelFlags, "instance">,
  prompts: Prompts | undefined,
): Promise<string> {
  if (flags.instance !== undefined) return toId(flags.instance, "--instance");
  const [only, ...others] = (await site.load()).plugins.filter((one) => one.plugin === plugin);
  const fallback = only !== undefined && others.length === 0 ? only.instance : "default";
  const message = "A name for this account, for logs and commands";
  return await prompts?.text({ message, fallback, check: whyNoId }) ?? fallback;
}

/** Who may talk from the start. */
export async function askAllowed(prompts: Prompts | undefined, message: string): Promise<readonly string[]> {
  const nobody = "nobody yet";
  const answer = await prompts?.text({ message, fallback: nobody }) ?? nobody;
  return answer === nobody ? [] : answer.split(/[\s,]+/).filter((name) => name !== "");
}

/** What the operator has to know about who may talk. */
export function sayWhoMayTalk(allow: readonly string[]): string {
  if (allow.length > 0) return `${allow.join(", ")} may talk; others get a code for: agent pair approve CODE`;
  return "Nobody may talk yet: who writes gets a code, and you let them in: agent pair approve CODE";
}
