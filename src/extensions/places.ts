import type { ExtensionsConfig } from "../config/extensions.ts";
import type { Places } from "./discovery.ts";

/** Where extensions are, and which variables they can be given, by config, data folder and our own environment. */
export function toPlaces(
  { search_paths, entries }: ExtensionsConfig,
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Places {
  return {
    installedDir: `${dataDir}/extensions/installed`,
    searchPaths: search_paths,
    variable: (id, name) => entries[id]?.env[name]?.reveal() ?? (env[name] || undefined),
  };
}

/** The only folder that an extension may write. */
export function toStateDir(dataDir: string, id: string): string {
  return `${dataDir}/extensions/state/${id}`;
}
