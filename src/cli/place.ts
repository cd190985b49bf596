/** The flag that names the config folder. */
export interface ConfigDirFlag {
  readonly config?: string;
}

/** The flag that names the data folder. */
export interface DataDirFlag {
  readonly data?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where the config is when nobody names a folder. */
export const defaultConfigDir = "./config";

/** The config folder: the flag wins over `AGENT_CONFIG`. An empty variable counts as unset. */
export function toConfigDir({ config }: ConfigDirFlag, env: Env): string {
  return config ?? (env["AGENT_CONFIG"] || defaultConfigDir);
}

/** Whether there is a program `agent` of its own; without one it is run from its sources. */
export function isInstalled(env: Env): boolean {
  return Boolean(env["AGENT_EXECUTABLE"]) || Deno.build.standalone;
}

/** How a command is run as the user whose a folder is. */
export async function sayAsOwner(folder: string, command: string): Promise<string> {
  const { uid } = await Deno.stat(folder);
  return uid === null || uid === 0 ? `sudo ${command}` : `sudo -u '#${uid}' ${command}`;
}

/** The data folder: the flag wins over `AGENT_DATA`. An empty variable counts as unset. */
export function toDataDir({ data }: DataDirFlag, env: Env): string {
  return data ?? (env["AGENT_DATA"] || "./data");
}
