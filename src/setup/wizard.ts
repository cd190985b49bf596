import type { Config } from "../config/config.ts";
import { AppError, toAppError } from "../core/error.ts";
import { setUpAgent } from "./agent.ts";
import { setUpEmail } from "./email.ts";
import { setUpLlm } from "./llm.ts";
import { setUpMemory } from "./memory.ts";
import { setUpNats } from "./nats.ts";
import { openPrompts } from "./prompts.ts";
import { isRoot } from "./root.ts";
import { installService } from "./service.ts";
import type { Site } from "./site.ts";
import { setUpTelegram } from "./telegram.ts";
import { setUpWhatsApp } from "./whatsapp.ts";

/** A step as the wizard offers it. */
interface WizardStep {
  readonly id: string;
  readonly title: string;
  /** What is there already, in a few words; `undefined`: nothing. */
  look(config: Config): string | undefined;
  /** Asks for everything. */
  take(site: Site): Promise<void>;
}

const steps: readonly WizardStep[] = [
  {
    id: "llm",
    title: "A model",
    look: ({ llm }) =>
      join(Object.entries(llm.providers).filter(([, { api_key }]) => api_key?.reveal()).map(([id]) => id)),
    take: (site) => setUpLlm(site, { noKey: false, offline: false }),
  },
  {
    id: "agent",
    title: "An agent",
    look: ({ agents }) => join(agents.map(({ id }) => id)),
    take: (site) => setUpAgent(site, {}),
  },
  {
    id: "telegram",
    title: "Telegram",
    look: (config) => findChannels(config, "telegram"),
    take: (site) => setUpTelegram(site, { offline: false }),
  },
  {
    id: "whatsapp",
    title: "WhatsApp",
    look: (config) => findChannels(config, "whatsapp"),
    take: (site) => setUpWhatsApp(site, {}),
  },
  {
    id: "email",
    title: "Mail",
    look: (config) => findChannels(config, "email"),
    take: (site) => setUpEmail(site, { offline: false }),
  },
  {
    id: "memory",
    title: "Memory",
    look: ({ memory }) => memory.long_term.enabled ? memory.long_term.embedder.kind : undefined,
    take: (site) => setUpMemory(site, {}),
  },
  {
    id: "nats",
    title: "NATS, for several processes",
    look: ({ broker }) => broker.type === "nats" ? join([broker.url].flat()) : undefined,
    take: (site) => setUpNats(site, { offline: false }),
  },
  {
    id: "service",
    title: "Start with the machine, as a systemd service",
    look: () => undefined,
    take: async ({ terminal, configDir, dataDir }) => {
      await installService(terminal, { config: configDir, data: dataDir, user: !await isRoot(), print: false });
    },
  },
];

const finish = "finish";

/**
 * `agent setup`: offers the steps until the person has had enough, the first one that is not done first. What a step has
 * written stays, also when a later one is left.
 *
 * @throws {AppError} `invalid` where there is nobody to ask.
 */
export async function runWizard(site: Site): Promise<void> {
  if (!site.terminal.interactive) throw newNoTerminalError();
  const prompts = await openPrompts();
  prompts.begin(`Setting up ${site.configDir}. Ctrl-C leaves; what was written by then stays.`);
  while (true) {
    const config = await site.load();
    const seen = steps.map((step) => ({ ...step, there: step.look(config) }));
    const next = seen.find(({ id, there }) => needed.includes(id) && there === undefined)?.id ?? finish;
    const chosen = await prompts.choose("What shall be set up?", [
      ...seen.map(({ id, title, there }) => ({
        value: id,
        label: there === undefined ? `· ${title}` : `✓ ${title}: ${there}`,
      })),
      { value: finish, label: "That is all" },
    ], next);
    const step = steps.find(({ id }) => id === chosen);
    if (step === undefined) break;
    await takeStep(step, site, (text) => prompts.warn(text));
  }
  prompts.end("Start it: agent run. See that all is well: agent doctor --live");
}

/** Without these an agent cannot answer. The example agent counts. */
const needed: readonly string[] = ["llm", "agent"];

/** A step that fails leaves the others; one that is left by Ctrl-C ends the wizard. */
async function takeStep(step: WizardStep, site: Site, warn: (text: string) => void): Promise<void> {
  try {
    await step.take(site);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind === "cancelled" || error.kind === "bug") throw error;
    warn(error.message);
  }
}

function newNoTerminalError(): AppError {
  const lines = [
    "agent setup llm --provider NAME --key-file FILE",
    "agent setup agent --id ID",
    "agent setup telegram --token-file FILE",
    "agent setup whatsapp --instance NAME",
    "agent setup email --address ADDRESS --password-file FILE",
    "agent setup memory --embedder KIND",
    "agent setup nats --url URL",
    "agent setup service",
  ];
  return new AppError(
    "invalid",
    `agent setup asks questions, and there is no terminal to ask on. Each step by flags:\n  ${lines.join("\n  ")}`,
  );
}

function findChannels({ plugins }: Config, plugin: string): string | undefined {
  return join(plugins.filter((one) => one.plugin === plugin).map(({ instance }) => instance));
}

function join(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(", ");
}
