import { buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { chatCommand, dreamCommand } from "./agent_routes.ts";
import { channelRoutes } from "./channel_routes.ts";
import { newCompletionsCommand } from "./completions_routes.ts";
import { configRoutes } from "./config_routes.ts";
import type { CliContext } from "./context.ts";
import { backupCommand, forgetPersonCommand, restoreCommand } from "./data_routes.ts";
import { dlqRoutes } from "./dlq_routes.ts";
import { extensionRoutes } from "./ext_routes.ts";
import { mcpRoutes, mcpServerCommand } from "./mcp_routes.ts";
import { memoryRoutes } from "./memory_routes.ts";
import { pairRoutes } from "./pair_routes.ts";
import {
  doctorCommand,
  logsCommand,
  pauseCommand,
  resumeCommand,
  runCommand,
  statusCommand,
  versionCommand,
} from "./process_routes.ts";
import { toDescription } from "./route_parts.ts";
import { sessionRoutes } from "./session_routes.ts";
import { tokenRoutes } from "./token_routes.ts";
import { workspaceRoutes } from "./workspace_routes.ts";

// A command's code is loaded when it runs: `agent version` does not pay for the runtime.

/** Commands of a floor above this one, by name. */
export type MoreRoutes = Readonly<Record<string, Command<CliContext> | RouteMap<CliContext>>>;

/** Every command: those of this folder, and `more`. */
export function newRoutes(more: MoreRoutes): RouteMap<CliContext> {
  const root: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
    routes: {
      run: runCommand,
      ...more,
      status: statusCommand,
      doctor: doctorCommand,
      logs: logsCommand,
      pause: pauseCommand,
      resume: resumeCommand,
      chat: chatCommand,
      pair: pairRoutes,
      token: tokenRoutes,
      channels: channelRoutes,
      dlq: dlqRoutes,
      sessions: sessionRoutes,
      forgetPerson: forgetPersonCommand,
      backup: backupCommand,
      restore: restoreCommand,
      memory: memoryRoutes,
      workspace: workspaceRoutes,
      dream: dreamCommand,
      config: configRoutes,
      mcp: mcpRoutes,
      "mcp-server": mcpServerCommand,
      ext: extensionRoutes,
      completions: newCompletionsCommand(() => root),
      version: versionCommand,
    },
    docs: {
      brief: "Agents that answer people, and never lose a message",
      fullDescription: toDescription(
        "Agents that answer people, and never lose a message. More about a command: agent help COMMAND",
        ["agent setup", "agent run", "agent status", "agent chat ana", "agent config check"],
        [
          "0 done",
          "1 it is not well, or a fault of the program",
          "2 a wrong flag, or a faulty config",
          "3 not allowed",
          "4 not there",
          "5 taken, or changed meanwhile",
          "6 not running, or not reachable",
          "7 no answer in time",
          "130 left by Ctrl-C",
        ],
      ),
    },
  });
  return root;
}
