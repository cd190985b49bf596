import type { Agents } from "../agent/open.ts";
import { AppError } from "../core/error.ts";
import type { Tool } from "../core/tool.ts";
import { newPluginTools, type PluginToolsDeps } from "../plugins/tools.ts";
import { plugins } from "./registry.ts";

/** The plugins' tools, which send through the agents' outbox. `agents` gives the room that uses them. */
export function newAgentPluginTools(
  deps: Pick<PluginToolsDeps, "config" | "bus" | "metrics" | "clock" | "dataDir">,
  agents: () => Agents | undefined,
): readonly Tool[] {
  const room = () => {
    const opened = agents();
    if (opened === undefined) throw new AppError("unavailable", "The agents are starting");
    return opened;
  };
  return newPluginTools({
    ...deps,
    plugins,
    findRefusal: (from, address, message) => room().findReachRefusal(from, address, message),
    post: (address, message, signal) => room().outbox.post(address, message, signal),
    findPosted: (key, signal) => room().outbox.findPosted(key, signal),
  });
}
