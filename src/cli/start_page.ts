import type { Status } from "../http/status_api.ts";
import type { Ink } from "./ink.ts";
import { toPlain } from "./plain.ts";
import { wrapText } from "./wrap.ts";
import { formatAgents, formatChannels, formatSubsystems } from "./status_page.ts";

/** What the page shows. */
export interface StartPage {
  readonly status: Status;
  /** Address of the console; with a code that logs a browser in, once, where only a person reads this. */
  readonly loginLink: string;
  /** Where the token that logs in else stands. */
  readonly tokenPlace: string;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
}

/** What a person reads when the runtime is up: where to go, who is there, and what is missing. */
export function formatStartPage(page: StartPage, ink: Ink): string {
  const { status, loginLink, tokenPlace, columns } = page;
  return [
    `${ink.bold(`nexo ${status.version}`)} is running. Ctrl-C stops it; ` +
    wrapText("what it has accepted it answers after the next start.", columns, 0, 45),
    `Console: ${ink.bold(loginLink)}\n` + ink.dim(wrapText(sayLogin(loginLink, tokenPlace), columns)),
    formatAgents(status.agents, ink, columns),
    formatChannels(status.channels, ink, columns),
    formatSubsystems(status, ink, columns),
    findMissing(page).map((text) => `${ink.warn("+")} ${wrapText(toPlain(text), columns, 2)}`).join("\n"),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

function sayLogin(link: string, tokenPlace: string): string {
  if (!link.includes("code=")) return `The token in ${tokenPlace} logs you in.`;
  return `The link works once, for 15 minutes. After that the token in ${tokenPlace} logs you in.`;
}

/** What would make the runtime more useful, each with the line that adds it. */
function findMissing({ status }: StartPage): readonly string[] {
  return [
    ...findMissingKey(status),
    ...findMissingChannel(status),
    ...status.channels.filter(({ agents }) => agents.length === 0).map(({ plugin, instance }) =>
      `Nobody hears ${plugin}.${instance}. Add to an agent: ` +
      `inbound_bindings: [{ plugin: ${plugin}, instance: ${instance}, allow_from: ["@your_name"] }]`
    ),
  ];
}

const demo = "demo";

function findMissingKey({ agents, models }: Status): readonly string[] {
  const demonstrating = agents.filter(({ model }) => model.startsWith(`${demo}/`)).map(({ id }) => id);
  const hasKey = models.some(({ configured, provider }) => configured && provider !== demo);
  if (demonstrating.length === 0 || hasKey) return [];
  const [first, ...others] = models.filter(({ configured }) => !configured);
  const remedy = first?.missing ?? "Add a provider to llm.yaml";
  const alternatives = others.length === 0
    ? ""
    : `. Or the same for ${others.map(({ provider }) => provider).join(", ")}`;
  return [
    `No model key, so the built-in demo model answers for ${demonstrating.join(", ")}. ${remedy}${alternatives}`,
  ];
}

function findMissingChannel({ channels }: Status): readonly string[] {
  if (channels.length > 0) return [];
  return ["No channel besides the console. Add one: agent setup telegram, agent setup whatsapp or agent setup email"];
}
