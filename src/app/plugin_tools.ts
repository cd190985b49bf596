import type { Agents } from "../agent/open.ts";
import type { Tool } from "../core/tool.ts";
import { newPluginTools, type PluginToolsDeps } from "../plugins/tools.ts";
import type { Later } from "./later.ts";
import { plugins } from "./registry.ts";

/** The plugins' tools, which send through the outbox of the `agents` that use them. */
export function newAgentPluginTools(
  deps: Pick<PluginToolsDeps, "config" | "bus" | "metrics" | "clock" | "dataDir">,
  agents: Later<Pick<Agents, "findReachRefusal" | "outbox">>,
): readonly Tool[] {
  return newPluginTools({
    ...deps,
    plugins,
    findRefusal: (from, address, message) => agents.get().findReachRefusal(from, address, message),
    post: (address, message, signal) => agents.get().outbox.post(address, message, signal),
    findPosted: (key, signal) => agents.get().outbox.findPosted(key, signal),
  });
}
