import { z } from "zod";
import type { Plugin } from "../../src/core/plugin.ts";
import { newSecret } from "../../src/core/secret.ts";

/** Config of the scripted plugin. */
export const scriptedConfigSchema = z.strictObject({
  token: z.string().transform(newSecret).prefault("nobody may see this"),
  /** What happens instead of a start. */
  at_start: z.enum(["open", "throw", "wait"]).default("open"),
  /** Messages that it receives at once when it is open. */
  receives: z.number().default(0),
});

/** A plugin whose worker is one of the modules in `workers/`. */
export function newScriptedPlugin(module = "scripted.ts", id = "scripted"): Plugin<typeof scriptedConfigSchema> {
  return {
    id,
    config: scriptedConfigSchema,
    worker: new URL(`./workers/${module}`, import.meta.url),
    traits: { idempotentSend: true, typing: false },
    permissions: (_config, stateDir) => ({ read: [stateDir], write: [stateDir] }),
  };
}
