import { type AgentOutcome, runAgent } from "../fixtures/agent_command.ts";
import { openTempDir } from "../fixtures/nexo_process.ts";

/** A config folder that is set up by commands. */
export interface SetupRoom extends AsyncDisposable {
  readonly config: string;
  readonly data: string;
  /** Environment that its commands get besides. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file beside the config and gives its path. */
  file(name: string, text: string): Promise<string>;
  /** Runs `agent setup ARGS` without a terminal. */
  setup(...args: readonly string[]): Promise<AgentOutcome>;
  /** Runs `agent ARGS` on this config. */
  agent(...args: readonly string[]): Promise<AgentOutcome>;
  read(path: string): Promise<string>;
  /** Permission bits of a path in the config folder, such as `600`. */
  modeOf(path: string): Promise<string>;
  /** Every file of the config folder with its text. */
  snapshot(): Promise<ReadonlyMap<string, string>>;
}

/** Opens a folder for a config that is not there yet. */
export async function openSetupRoom(env: Readonly<Record<string, string>> = {}): Promise<SetupRoom> {
  const folder = await openTempDir();
  const [config, data] = [`${folder.path}/config`, `${folder.path}/data`];
  const place = { AGENT_CONFIG: config, AGENT_DATA: data, NO_COLOR: "1", ...env };
  return {
    config,
    data,
    env,
    async file(name, text) {
      await Deno.writeTextFile(`${folder.path}/${name}`, text);
      return `${folder.path}/${name}`;
    },
    setup: (...args) => runAgent(["setup", ...args], { env: place }),
    agent: (...args) => runAgent(args, { env: place }),
    read: (path) => Deno.readTextFile(`${config}/${path}`),
    modeOf: async (path) => (((await Deno.stat(`${config}/${path}`)).mode ?? 0) & 0o777).toString(8),
    snapshot: () => readTree(config),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Every file below a folder with its text; empty where there is no folder. */
export async function readTree(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const walk = async (path: string) => {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory) await walk(`${path}/${name}`);
      else files.set(`${path}/${name}`.slice(folder.length + 1), await Deno.readTextFile(`${path}/${name}`));
    }
  };
  try {
    await walk(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return new Map([...files].sort());
}
