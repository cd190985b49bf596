import { z } from "zod";
import type { PluginSchema } from "../../src/config/config.ts";
import { type ConfigFault, formatFaults } from "../../src/config/fault.ts";
import { loadConfig, type LoadedConfig } from "../../src/config/load.ts";
import { secretText } from "../../src/config/scalars.ts";
import { openConfigFolder } from "../fixtures/config_folder.ts";

/** The smallest agents.yaml. */
export const oneAgent = "agents: [{ id: ana }]\n";

/** A plugin as the config sees it. */
export const chat: PluginSchema = {
  id: "chat",
  config: z.strictObject({
    token: secretText.describe("The account's token."),
    poll_seconds: z.number().int().default(30).describe("Length of a poll."),
  }),
};

interface Loading {
  readonly env?: Readonly<Record<string, string>>;
  readonly plugins?: readonly PluginSchema[];
}

type Files = Readonly<Record<string, string>>;

async function load(files: Files, { env = {}, plugins = [chat] }: Loading) {
  await using folder = await openConfigFolder(files);
  const result = await loadConfig({ dir: folder.dir, env, plugins, generation: 1 });
  return { result, dir: folder.dir };
}

/** Loads a folder of `files` that has no fault. */
export async function loadGood(files: Files, options: Loading = {}): Promise<LoadedConfig> {
  const { result } = await load(files, options);
  if (!result.ok) throw new Error(formatFaults(result.faults));
  return result.loaded;
}

/** Loads a folder of `files` that has faults; their files are named as in the folder. */
export async function loadFaulty(files: Files, options: Loading = {}): Promise<readonly ConfigFault[]> {
  const { result, dir } = await load(files, options);
  if (result.ok) throw new Error("The config has no fault");
  const inFolder = (text: string) => text.replaceAll(`${dir}/`, "");
  return result.faults.map((fault) => ({ ...fault, file: inFolder(fault.file), message: inFolder(fault.message) }));
}

/** Where each fault is and what it says, a line each. */
export function toLines(faults: readonly ConfigFault[]): string[] {
  return faults.map(({ file, line, path, message }) => `${file}:${line ?? "-"} ${path}: ${message}`);
}
