import { Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { Explanation } from "../config/explain.ts";
import { explainPolicy } from "../config/policy_explained.ts";
import { AppError } from "../core/error.ts";
import type { Live } from "../lib/live.ts";
import { parseRequest } from "./body.ts";
import { policyRequestSchema } from "./config_api.ts";

/** `/api/agents/:agent/policy`: under which policy an agent answers, and where each value comes from. */
export function newPolicyRoutes(
  { explain }: { explain(path: string): readonly Explanation[] },
  config: Live<Config>,
): Hono {
  const app = new Hono();
  app.get("/:agent/policy", (context) => {
    const id = context.req.param("agent");
    const { heard } = parseRequest(policyRequestSchema, context.req.query());
    const agent = config.current.agents.find((one) => one.id === id);
    if (agent === undefined) throw new AppError("missing", `There is no agent ${id}`, { reason: "unknown_agent" });
    const at = agent.inbound_bindings.findIndex(({ plugin, instance }) => `${plugin}.${instance}` === heard);
    if (heard !== undefined && at === -1) {
      const known = agent.inbound_bindings.map(({ plugin, instance }) => `${plugin}.${instance}`).join(", ") ||
        "nothing";
      throw new AppError("missing", `${id} does not hear ${heard}. It hears: ${known}`, { reason: "unknown_binding" });
    }
    return context.json({ items: explainPolicy(explain, id, heard === undefined ? undefined : at) });
  });
  return app;
}
