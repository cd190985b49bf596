import { findProgram, realProgram } from "../child/system.ts";
import type { Config } from "../config/config.ts";
import type { McpServerConfig } from "../config/mcp.ts";
import { toAppError } from "../core/error.ts";
import type { Check, Finding } from "./doctor.ts";

const answerMs = 10_000;

/** MCP servers that cannot be started or, with `live`, not be reached; asked only while the process does not run. */
export function newMcpCheck({ mcp }: Config, live: boolean): Check {
  return {
    name: "MCP",
    async look() {
      const enabled = Object.entries(mcp.servers).filter(([, { enabled }]) => enabled);
      const found = await Promise.all(enabled.map(([id, server]) => lookAt(id, server, live)));
      return found.flat();
    },
  };
}

async function lookAt(id: string, server: McpServerConfig, live: boolean): Promise<readonly Finding[]> {
  if ("command" in server) {
    const { command } = server;
    const path = command.includes("/") ? await realProgram(command) : await findProgram(command);
    if (path !== undefined) return [];
    return [{
      what: `${id}: there is no program ${command}`,
      why,
      mend: `command -v ${command} tells where it is; write its whole path into mcp.servers.${id}.command`,
    }];
  }
  const fault = live ? await whyNoAnswer(server.url) : undefined;
  if (fault === undefined) return [];
  return [{
    what: `${id}: ${server.url} ${fault}`,
    why,
    mend: `curl -i ${server.url}; then correct mcp.servers.${id}.url`,
  }];
}

const why = "It does not run, and its tools are not there.";

/** Any answer will do: a server that wants a login or another method is there. */
async function whyNoAnswer(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(answerMs) });
    await response.body?.cancel();
    return response.status === 404 || response.status >= 500 ? `answers ${response.status}` : undefined;
  } catch (thrown) {
    return `cannot be reached: ${toAppError(thrown).message}`;
  }
}
