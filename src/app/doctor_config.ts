import type { NatsConfig } from "../config/broker.ts";
import type { Config } from "../config/config.ts";
import { formatFault } from "../config/fault.ts";
import { findPlainSecrets } from "../config/plain_secrets.ts";
import type { LoadedConfig } from "../config/load.ts";
import { newModels } from "../llm/models.ts";
import { silentLog, silentMetrics, tryEmbedder, tryModel, tryNats, tryNatsLogin } from "./live.ts";
import { systemClock } from "../lib/clock.ts";
import { toShellWord } from "../lib/shell.ts";
import { toAppError } from "../core/error.ts";
import type { Check, Finding } from "./doctor.ts";
import { listSecretFiles } from "./doctor_machine.ts";

/** What stands in the config and does nothing. */
export function newEffectCheck({ config, files, warnings }: LoadedConfig, configDir: string): Check {
  return {
    name: "config without effect",
    async look() {
      // How open the folder of secrets is, is a check of its own.
      const others = warnings.filter(({ remedy }) => !remedy.includes("/secrets/"));
      return [
        ...others.map((warning): Finding => ({
          what: formatFault(warning),
          why: "The config is in force, and unwise.",
          mend: warning.remedy,
          isNote: true,
        })),
        ...findUnheard(config),
        ...findUnasked(config),
        ...await findLostSecrets(configDir, files),
      ];
    },
  };
}

/**
 * Secrets that stand in the config itself, or in a text that it had before.
 *
 * @param pastDir Folder of the texts that files had before they were edited.
 */
export function newSecretCheck({ files }: LoadedConfig, pastDir: string): Check {
  return {
    name: "secrets",
    async look() {
      const yaml = files.filter((path) => path.endsWith(".yaml"));
      const now = (await Promise.all(yaml.map(findPlain))).flat();
      const past = (await Promise.all((await listPast(pastDir)).map(findPlain))).flat();
      return [
        ...now.map(({ path, line }) => ({
          what: `${path}:${line} has a secret in it`,
          why: "Whoever sees the file, a copy or a screen with it can use the account.",
          mend: `write it into a file of secrets/ and refer to it: "\${file:./secrets/NAME}"; agent setup does that`,
          isNote: true,
        })),
        ...past.map(({ path, line }) => ({
          what: `${path}:${line} is an earlier text of the config, and has a secret in it`,
          why: "It can be used as long as the provider takes it.",
          mend: `rm ${toShellWord(path)}`,
          isNote: true,
        })),
      ];
    },
  };
}

async function findPlain(path: string): Promise<readonly { readonly path: string; readonly line: number }[]> {
  return findPlainSecrets(await Deno.readTextFile(path)).map((line) => ({ path, line }));
}

async function listPast(folder: string): Promise<readonly string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => `${folder}/${name}`).sort();
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return [];
    throw thrown;
  }
}

/** Whether agents have a model; with `live`, whether each provider takes its key. */
export function newKeyCheck({ llm, agents }: Config, live: boolean): Check {
  return {
    name: "model keys",
    async look() {
      const { available } = newModels(llm, {
        clock: systemClock,
        log: silentLog,
        metrics: silentMetrics,
        fetch: globalThis.fetch,
        random: Math.random,
        gates: new Map(),
      });
      const usable = available.filter(({ provider, configured, missing }) =>
        configured && missing === undefined && provider !== "demo"
      );
      const demonstrating = usable.length > 0 ? [] : agents.filter(({ model }) => model === "auto").map(({ id }) => id);
      const demo = demonstrating.length === 0
        ? []
        : [{ ...noKey, what: `No model but the demo answers for ${demonstrating.join(", ")}` }];
      const missing = agents.flatMap(({ id, model }): readonly Finding[] => {
        if (model === "auto") return [];
        const found = available.find(({ provider }) => provider === model.provider);
        if (found?.configured !== false) return [];
        return [{
          what: `${id} wants ${model.provider}/${model.model}: ${found.missing ?? "it has no key"}`,
          why: "Each of its turns fails.",
          mend: `agent setup llm --provider ${model.provider}`,
        }];
      });
      const refused = live ? await Promise.all(usable.map(({ provider }) => findRefusal(llm, provider))) : [];
      return [...demo, ...missing, ...refused.flat()];
    },
  };
}

/** With `live`: whether what makes vectors of facts takes its key. */
export function newEmbedderCheck({ memory: { long_term } }: Config, live: boolean): Check {
  return {
    name: "embedder",
    async look() {
      if (!live || !long_term.enabled) return [];
      try {
        await tryEmbedder(long_term.embedder);
        return [];
      } catch (thrown) {
        return [{
          what: toAppError(thrown).message,
          why: "What agents know is found by its words only, not by what it means.",
          mend: `agent setup memory --embedder ${long_term.embedder.kind}`,
        }];
      }
    },
  };
}

/** Whether the bus beside this process answers. */
export function newNatsCheck({ broker }: Config): Check {
  return {
    name: "NATS",
    async look() {
      if (broker.type !== "nats") return [];
      const urls = [broker.url].flat();
      const failures = await Promise.all(urls.map(async (url) => {
        try {
          await tryNats(url);
          return undefined;
        } catch (thrown) {
          return toAppError(thrown).message;
        }
      }));
      const awake = urls.filter((_, index) => failures[index] === undefined);
      return [
        ...failures.flatMap((message) =>
          message === undefined ? [] : [{
            what: message,
            why: whyNats,
            mend: "systemctl start nats-server; or another address: agent setup nats --url URL",
          }]
        ),
        ...awake.length === 0 ? [] : await findRefusedLogin({ ...broker, url: awake }),
      ];
    },
  };
}

const whyNats = "Events of other processes wait there, and ours wait on this disk until it is back.";

async function findRefusedLogin(broker: NatsConfig): Promise<readonly Finding[]> {
  try {
    if ((await tryNatsLogin(broker)).jetStream) return [];
    return [{
      what: `NATS at ${[broker.url].flat().join(", ")} keeps no events: it has no JetStream`,
      why: "What is meant for another process waits on this disk until that one runs.",
      mend: "nats-server -js -sd /var/lib/nats",
      isNote: true,
    }];
  } catch (thrown) {
    return [{
      what: toAppError(thrown).message,
      why: whyNats,
      mend: "agent setup nats --url URL --user NAME --password-file FILE",
    }];
  }
}

const noKey = {
  why: "It answers, but only shows how everything works.",
  mend: "agent setup llm",
  isNote: true,
} as const;

async function findRefusal(llm: Config["llm"], provider: string): Promise<readonly Finding[]> {
  try {
    await tryModel(llm, provider);
    return [];
  } catch (thrown) {
    return [{
      what: `${provider} does not answer: ${toAppError(thrown).message}`,
      why: "Turns of agents that ask it fail, or go to their fallback.",
      mend: `agent setup llm --provider ${provider}`,
    }];
  }
}

function findUnheard({ agents, plugins }: Config): readonly Finding[] {
  const heard = new Set(agents.flatMap(({ inbound_bindings }) => inbound_bindings).map(toName));
  return plugins.filter((one) => !heard.has(toName(one))).map((one) => ({
    what: `Nobody hears ${toName(one)}`,
    why: "It connects, and what people write there is answered by no agent.",
    mend:
      `agent setup ${one.plugin} --instance ${one.instance} --agent ID; or take it out of plugins/${one.plugin}.yaml`,
  }));
}

/** Providers with a key that neither an agent names nor `auto` takes. */
function findUnasked({ agents, llm }: Config): readonly Finding[] {
  const keyed = Object.entries(llm.providers).filter(([, { api_key }]) => (api_key?.reveal() ?? "") !== "");
  const models = agents.flatMap(({ model, fallback_models, inbound_bindings }) => [
    model,
    ...fallback_models,
    ...inbound_bindings.flatMap((binding) => binding.model ?? []),
  ]);
  const first = models.includes("auto") ? keyed[0]?.[0] : undefined;
  const asked = new Set([first, ...models.flatMap((model) => model === "auto" ? [] : [model.provider])]);
  return keyed.filter(([id]) => !asked.has(id)).map(([id]) => ({
    what: `The provider ${id} has a key, and no agent asks it`,
    why: "A key that is not used can only be lost.",
    mend: `let an agent fall back on it: fallback_models: [{ provider: ${id}, model: … }]; or take the key away`,
    isNote: true,
  }));
}

async function findLostSecrets(configDir: string, files: readonly string[]): Promise<readonly Finding[]> {
  const lost: Finding[] = [];
  for (const name of await listSecretFiles(configDir)) {
    const path = `${configDir}/secrets/${name}`;
    if (files.includes(await Deno.realPath(path))) continue;
    lost.push({
      what: `Nothing in the config refers to ${path}`,
      why: "A key that is not used can only be lost.",
      mend: `rm ${toShellWord(path)}`,
      isNote: true,
    });
  }
  return lost;
}

function toName({ plugin, instance }: { readonly plugin: string; readonly instance: string }): string {
  return `${plugin}.${instance}`;
}
