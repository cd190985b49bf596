import type { Config } from "../config/config.ts";
import { toAppError } from "../core/error.ts";
import type { Plugin } from "../core/plugin.ts";
import type { Status } from "../http/status_api.ts";
import type { Check, Finding } from "./doctor.ts";

const probeMs = 30_000;

/** How channels stand: as the running process has them, and with `live` as their providers say. */
export function newChannelCheck(
  { config, plugins, running, live }: {
    readonly config: Config;
    readonly plugins: readonly Plugin[];
    readonly running: Status | undefined;
    readonly live: boolean;
  },
): Check {
  const probe = async ({ plugin, instance, config: settings }: Config["plugins"][number]): Promise<Finding[]> => {
    try {
      await plugins.find(({ id }) => id === plugin)?.probe?.(settings, AbortSignal.timeout(probeMs));
      return [];
    } catch (thrown) {
      return [{ ...toTrouble(plugin, instance), what: `${plugin}.${instance}: ${toAppError(thrown).message}` }];
    }
  };
  return {
    name: "channels",
    async look() {
      const seen = (running?.channels ?? []).filter(({ state }) => state !== "up").map((
        { plugin, instance, state, reason },
      ): Finding => ({
        ...toTrouble(plugin, instance),
        what: `${plugin}.${instance} is ${state}: ${reason ?? "it gives no reason"}`,
        isNote: state === "starting",
      }));
      const told = new Set((running?.channels ?? []).filter(({ state }) => state !== "up").map(toName));
      const asked = live ? config.plugins.filter((one) => !told.has(toName(one))) : [];
      return [...seen, ...(await Promise.all(asked.map(probe))).flat()];
    },
  };
}

/** Parts of the running process that are not well, channels aside: MCP servers, extensions, models. */
export function newPartCheck({ subsystems }: Status): Check {
  return {
    name: "running parts",
    look: () =>
      Promise.resolve(
        subsystems.filter(({ name, state }) => state !== "ok" && !name.startsWith("plugin.")).map((
          { name, state, reason, critical },
        ) => ({
          what: `${name} is ${state}: ${reason ?? "it gives no reason"}`,
          why: critical ? "No message is taken until it is well." : "What needs it does not work.",
          mend: `agent logs --event ${name.split(".")[0] ?? name} --level warn`,
        })),
      ),
  };
}

function toTrouble(plugin: string, instance: string): Omit<Finding, "what"> {
  return {
    why: "What people write there waits with the provider, or is lost where that keeps nothing.",
    mend: plugin === "whatsapp" ? `agent pair whatsapp ${instance}` : `agent setup ${plugin} --instance ${instance}`,
  };
}

function toName({ plugin, instance }: { readonly plugin: string; readonly instance: string }): string {
  return `${plugin}.${instance}`;
}
