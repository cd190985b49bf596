import assert from "node:assert/strict";
import { ask } from "../fixtures/load.ts";
import { newTestConfig } from "../fixtures/nexo_config.ts";
import type { ConfigFiles, NexoProcess } from "../fixtures/nexo_process.ts";

/** Config of a process with agents and no channel. `ana` hears `telegram.main`. */
export function newAgentsConfig(natsUrl: string, modelUrl: string, ids: readonly string[]): ConfigFiles {
  return {
    ...newTestConfig({ modelUrl }),
    "agents.yaml": {
      agents: ids.map((id) => ({
        id,
        model: { provider: "fake", model: "fake-1" },
        allowed_tools: ["delegate"],
        allowed_delegates: ["*"],
        inbound_bindings: id === "ana" ? [{ plugin: "telegram", instance: "main", open: true }] : [],
        config: { debounce_ms: 0 },
      })),
    },
    ...newBrokerFile(natsUrl),
  };
}

/** Config of a process with the channel `telegram.main` and no agent. */
export function newPluginConfig(
  natsUrl: string,
  telegram: { readonly url: string; readonly token: string },
): ConfigFiles {
  return {
    ...newTestConfig({ modelUrl: "http://127.0.0.1:1", telegram }),
    "agents.yaml": { agents: [] },
    ...newBrokerFile(natsUrl),
  };
}

/** `broker.yaml` for a server. */
export function newBrokerFile(natsUrl: string): ConfigFiles {
  return { "broker.yaml": { broker: { type: "nats", url: natsUrl } } };
}

/** Asks an agent through the API of a process and gives its answer. */
export async function askAgent({ admin, token }: NexoProcess, agent: string, text: string): Promise<string> {
  const answer = await ask({ admin, token }, { agent, user: "u", text, signal: AbortSignal.timeout(60_000) });
  assert.equal(answer.status, 200, answer.text);
  return answer.text;
}
