import type { z } from "zod";
import type { AgentConfig } from "./agents.ts";
import type { BrokerConfig } from "./broker.ts";
import type { ExtensionsConfig } from "./extensions.ts";
import type { LlmConfig } from "./llm.ts";
import type { McpConfig } from "./mcp.ts";
import type { MemoryConfig } from "./memory.ts";
import type { RuntimeConfig } from "./runtime.ts";

/** One configured account of a plugin. `config` is what the plugin's own schema made of it. */
export interface PluginInstance {
  readonly plugin: string;
  readonly instance: string;
  readonly config: unknown;
}

/** What the config needs to know of a plugin: the name of its file and the schema of one instance. */
export interface PluginSchema {
  readonly id: string;
  readonly config: z.ZodType;
  /** What two instances of the plugin must not share; absent: nothing. Holds credentials, so it is only compared. */
  account?(config: unknown): string;
}

/** Everything that the config folder says, checked and frozen. A turn reads one of these and keeps it. */
export interface Config {
  /** 1 at start; grows with each applied reload. */
  readonly generation: number;
  readonly agents: readonly AgentConfig[];
  readonly llm: LlmConfig;
  readonly broker: BrokerConfig;
  readonly memory: MemoryConfig;
  readonly extensions: ExtensionsConfig;
  readonly mcp: McpConfig;
  readonly runtime: RuntimeConfig;
  readonly plugins: readonly PluginInstance[];
}
