import type { Agents } from "../agent/open.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Tool, ToolProgress } from "../core/tool.ts";
import { version } from "../core/version.ts";
import type { McpEndpoint } from "../http/mcp_endpoint.ts";
import type { HttpRoom } from "../http/open.ts";
import type { Live } from "../lib/live.ts";
import { openMcpHost } from "../mcp/host.ts";
import type { HostChat } from "../mcp/host_tools.ts";
import { findPrincipal, newOperator } from "../mcp/principals.ts";
import { orAborted } from "../resilience/abort.ts";
import type { Later } from "./later.ts";

/** What {@linkcode openMcpDoor} needs. */
export interface McpDoorDeps {
  readonly config: Live<Config>;
  readonly tools: Live<readonly Tool[]>;
  readonly agents: Later<Pick<Agents, "outside">>;
  readonly http: Later<Pick<HttpRoom, "web">>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Opens our own MCP server for the listener: agents, memory, sessions and chosen tools for programs. */
export function openMcpDoor(deps: McpDoorDeps): McpEndpoint & AsyncDisposable {
  const { config } = deps;
  const chat: HostChat = {
    agents: () => config.current.agents.map(({ id, description }) => ({ id, description })),
    async ask(message, signal, onProgress) {
      using exchange = await deps.http.get().web.ask({ plugin: "api", ...message });
      const told = tell(exchange.events, onProgress);
      try {
        return await orAborted(exchange.reply(), signal);
      } finally {
        exchange[Symbol.dispose]();
        await told;
      }
    },
  };
  const host = openMcpHost({
    ...deps,
    version,
    chat,
    calls: () => deps.agents.current?.outside,
    changes: [deps.config, deps.tools],
  });
  return {
    handle(request, token) {
      const principal = findPrincipal(config.current.mcp, token);
      return principal === undefined ? undefined : host.handle(request, principal);
    },
    handleOperator(request, agent = config.current.agents[0]?.id ?? "") {
      return host.handle(request, newOperator(config.current.mcp, agent));
    },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

/** Each tool that the agent calls is a step forward. */
async function tell(
  events: AsyncIterable<readonly { readonly type: string; readonly tool?: string }[]>,
  onProgress: (report: ToolProgress) => void,
): Promise<void> {
  let done = 0;
  for await (const batch of events) {
    for (const event of batch) {
      if (event.type === "toolStarted") onProgress({ done: ++done, message: event.tool ?? "" });
    }
  }
}
