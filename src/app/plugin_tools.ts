import type { Agents } from "../agent/open.ts";
import type { Config } from "../config/config.ts";
import type { Bus } from "../core/bus.ts";
import { AppError } from "../core/error.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Tool } from "../core/tool.ts";
import type { Live } from "../lib/live.ts";
import { newPluginTools } from "../plugins/tools.ts";
import { plugins } from "./registry.ts";

/** The plugins' tools, which send through the agents' outbox. `agents` gives the room that uses them. */
export function newAgentPluginTools(
  deps: { readonly config: Live<Config>; readonly bus: Bus; readonly metrics: Metrics; readonly dataDir: string },
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
  });
}
