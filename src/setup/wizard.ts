import { findRunning } from "../cli/admin_client.ts";
import { isInstalled } from "../cli/place.ts";
import { writeStarterFolder } from "../cli/starter_config.ts";
import type { Config } from "../config/config.ts";
import { AppError, toAppError } from "../core/error.ts";
import { setUpAgent } from "./agent.ts";
import { setUpEmail } from "./email.ts";
import { setUpLlm } from "./llm.ts";
import { setUpMemory } from "./memory.ts";
import { setUpNats } from "./nats.ts";
import { openPrompts, type Prompts } from "./prompts.ts";
import { findService } from "./service.ts";
import { setUpService } from "./service_step.ts";
import type { Site } from "./site.ts";
import { setUpTelegram } from "./telegram.ts";
import { setUpWhatsApp } from "./whatsapp.ts";

/** A step as the wizard offers it. */
interface WizardStep {
  readonly id: string;
  readonly title: string;
  /** What is there already, in a few words; `undefined`: nothing. */
  look(config: Config, site: Site): string | undefined | Promise<string | undefined>;
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
    take: (site) => setUpMemory(site, { offline: false }),
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
    look: async (_, { terminal }) => {
      const whose = await findService(terminal.env);
      return whose && `${whose === "user" ? "yours" : "the machine's"} is installed`;
    },
    take: setUpService,
  },
];

const finish = "finish";

/** What an agent needs to answer somebody, and the step that begins it. The example agent counts. */
const needed: readonly (readonly [step: string, of: readonly string[]])[] = [
  ["llm", ["llm"]],
  ["agent", ["agent"]],
  ["telegram", ["telegram", "whatsapp", "email"]],
];

/**
 * `agent setup`: offers the steps until the person has had enough, the first one that is needed and not done first. What
 * a step has written stays, also when a later one is left: the next time goes on from there.
 *
 * @throws {AppError} `invalid` where there is nobody to ask.
 */
export async function runWizard(site: Site): Promise<void> {
  const { terminal, configDir } = site;
  if (!terminal.interactive) throw newNoTerminalError();
  const prompts = await openPrompts();
  prompts.begin(`Setting up ${configDir}. Ctrl-C leaves; what was written by then stays.`);
  while (true) {
    const there = await lookAround(site);
    const chosen = await prompts.choose("What shall be set up?", [
      ...steps.map(({ id, title }) => ({
        value: id,
        label: there.has(id) ? `✓ ${title}: ${there.get(id)}` : `· ${title}`,
      })),
      { value: finish, label: "That is all" },
    ], findNext(there));
    const step = steps.find(({ id }) => id === chosen);
    if (step === undefined) break;
    await takeStep(step, site, (text) => prompts.warn(text));
  }
  await offerStart(site, prompts);
}

/** What is there, by step. */
async function lookAround(site: Site): Promise<ReadonlyMap<string, string>> {
  const config = await site.load();
  const there = new Map<string, string>();
  for (const { id, look } of steps) {
    const found = await look(config, site);
    if (found !== undefined) there.set(id, found);
  }
  return there;
}

function findNext(there: ReadonlyMap<string, string>): string {
  return needed.find(([_, anyOf]) => !anyOf.some((id) => there.has(id)))?.[0] ?? finish;
}

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

/** The last question: whether the agents shall run now. */
async function offerStart({ terminal, configDir, dataDir }: Site, prompts: Prompts): Promise<void> {
  const running = await findRunning(dataDir, terminal.env);
  if (running !== undefined) {
    return prompts.end(`It runs, and has picked this up. The console: ${running.console} How it stands: agent status`);
  }
  if (!isInstalled(terminal.env)) prompts.tell("`agent` stands for `deno task agent` in this folder.");
  const isWanted = await prompts.confirm("Start it now?", true);
  prompts.end(isWanted ? "Starting." : "Start it: agent run. See that all is well: agent doctor --live");
  if (!isWanted) return;
  await writeStarterFolder(configDir);
  const { run } = await import("../cli/run.ts");
  await run(terminal, { config: configDir, data: dataDir, takeover: false, json: false });
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
