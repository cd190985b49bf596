import { dirname, isAbsolute, resolve } from "node:path";
import { type Shelves, toWorkspacePaths } from "../agent/workspace.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Workspaces } from "../core/workspace.ts";
import type { RootToken } from "../http/tokens.ts";
import { openWorkspaces } from "../workspace/open.ts";

/** Where papers lie: agents' own in the data folder, skills of all agents in the config folder. */
export function toShelves(configDir: string, dataDir: string): Shelves {
  return { stateDir: dataDir, skillsDir: `${configDir}/skills` };
}

/** Opens the workspaces of the agents of `config`. */
export function openWorkspaceRoom(
  { config, shelves, root, log, metrics, clock }: {
    readonly config: { readonly current: Config };
    readonly shelves: Shelves;
    /** The root token, where a process runs. */
    readonly root?: RootToken | undefined;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly clock: Clock;
  },
): Workspaces & AsyncDisposable {
  const byConfig = new WeakMap<Config, { folders: ReadonlyMap<string, string>; secrets: readonly string[] }>();
  const current = () => {
    let known = byConfig.get(config.current);
    if (known === undefined) {
      const folders = new Map(config.current.agents.map((agent) => {
        const { folder } = toWorkspacePaths(agent, shelves);
        return [agent.id, isAbsolute(folder) ? folder : resolve(folder)];
      }));
      const secrets = collectSecrets(config.current);
      byConfig.set(config.current, known = { folders, secrets });
    }
    return known;
  };
  const secrets = () => [...current().secrets, ...root === undefined ? [] : [root.current.reveal()]];
  const apart = [shelves.stateDir, dirname(shelves.skillsDir)].map((folder) => resolve(folder));
  return openWorkspaces({ folders: () => current().folders, secrets, apart, log, metrics, clock });
}

/** Every secret of a config, wherever it stands. */
function collectSecrets(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  if ("reveal" in value && typeof value.reveal === "function") return [String(value.reveal())];
  return Object.values(value).flatMap(collectSecrets);
}
