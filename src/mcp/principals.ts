import { createHash, timingSafeEqual } from "node:crypto";
import type { McpConfig } from "../config/mcp.ts";
import type { Principal } from "./host_tools.ts";

/** Who brings `token`, as `mcp.yaml` says now. Takes a time that tells nothing about the tokens. */
export function findPrincipal({ serve }: McpConfig, token: string): Principal | undefined {
  const given = digest(token);
  const found = serve.tokens.filter((one) => timingSafeEqual(digest(one.token.reveal()), given))[0];
  if (found === undefined) return undefined;
  const { name, agent, agents = [agent], scopes } = found;
  return { name, agent, agents, scopes, tools: serve.tools };
}

/** The holder of the console's token, who may do everything that is served, as `agent`. */
export function newOperator({ serve }: McpConfig, agent: string): Principal {
  return {
    name: "operator",
    agent,
    agents: ["*"],
    scopes: ["chat", "memory", "sessions", "tools"],
    tools: serve.tools,
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
