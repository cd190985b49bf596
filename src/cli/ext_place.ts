import { plugins } from "../app/registry.ts";
import { formatFaults } from "../config/fault.ts";
import type { ExtensionsConfig } from "../config/extensions.ts";
import { loadConfig } from "../config/load.ts";
import { AppError } from "../core/error.ts";
import type { Places } from "../extensions/discovery.ts";
import { toPlaces } from "../extensions/places.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "./place.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of most commands about extensions. */
export interface ExtensionFlags extends ConfigDirFlag, DataDirFlag {
  readonly json: boolean;
}

/** What a command about extensions works on. */
export interface ExtensionPlace {
  readonly config: ExtensionsConfig;
  readonly dataDir: string;
  readonly places: Places;
}

/** Reads where extensions are. @throws {AppError} `invalid` with every fault of the config. */
export async function openExtensionPlace(terminal: Terminal, flags: ExtensionFlags): Promise<ExtensionPlace> {
  const { env } = terminal;
  const loaded = await loadConfig({ dir: toConfigDir(flags, env), env, plugins, generation: 1 });
  if (!loaded.ok) throw new AppError("invalid", `The config is faulty:\n${formatFaults(loaded.faults)}`);
  const config = loaded.loaded.config.extensions;
  const dataDir = toDataDir(flags, env);
  return { config, dataDir, places: toPlaces(config, dataDir, env) };
}
