import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Terminal } from "../cli/terminal.ts";

/** The program and its arguments, and the environment that it needs. */
export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How this program is started: as one executable file, or by Deno from its sources. */
export async function findLaunch(env: Terminal["env"], dataDir: string): Promise<Launch> {
  const executable = env["AGENT_EXECUTABLE"];
  if (executable) return { command: [resolve(executable)], env: { AGENT_CACHE: `${dataDir}/cache` } };
  if (Deno.build.standalone) return { command: [Deno.execPath()], env: {} };
  const root = fileURLToPath(new URL(".", Deno.mainModule));
  const schema = z.object({ tasks: z.object({ agent: z.object({ command: z.string() }) }) });
  const { tasks } = schema.parse(JSON.parse(await Deno.readTextFile(`${root}deno.json`)));
  const flags = /deno run (.*) main\.ts$/.exec(tasks.agent.command)?.[1]?.split(" ") ?? [];
  const cache = env["DENO_DIR"] || (env["HOME"] && `${env["HOME"]}/.cache/deno`);
  return {
    command: [Deno.execPath(), "run", ...flags, `${root}main.ts`],
    env: { DENO_NO_UPDATE_CHECK: "1", ...(cache ? { DENO_DIR: resolve(cache) } : {}) },
  };
}
