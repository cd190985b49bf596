import { buildCommand, buildRouteMap } from "@stricli/core";
import { config, data, toAction, toDescription } from "../cli/route_parts.ts";
import type { Terminal } from "../cli/terminal.ts";
import { kindNames } from "../config/llm.ts";
import type { PlaceFlags, Site } from "./site.ts";

// Each step's code, and the prompts, are loaded when it runs.

const codes = [
  "0 done",
  "2 a flag is missing or wrong, or the config is faulty",
  "130 you left it: nothing was written",
];

function toText(brief: string, placeholder: string) {
  return { kind: "parsed", parse: String, brief, placeholder, optional: true } as const;
}

function toSwitch(brief: string) {
  return { kind: "boolean", brief, default: false, withNegated: false } as const;
}

const channel = {
  instance: toText("Name of the account [default]", "NAME"),
  agent: toText("Agent that answers there [the only one]", "AGENT"),
  allow: {
    kind: "parsed",
    parse: (text: string) => text.split(",").filter((part) => part !== ""),
    brief: "Who may talk from the start, joined by commas",
    placeholder: "WHO",
    optional: true,
  },
  offline: toSwitch("Do not try it before it is written"),
} as const;

/** A step as a command: with all flags it asks nothing. */
function toStep<F extends PlaceFlags>(load: () => Promise<(site: Site, flags: F) => Promise<void>>) {
  return async () => {
    const [{ openSite }, step] = await Promise.all([import("./site.ts"), load()]);
    return toAction(async (terminal: Terminal, flags: F) => {
      await using site = await openSite(terminal, flags);
      await step(site, flags);
      return 0;
    });
  };
}

const llm = buildCommand({
  loader: toStep(async () => (await import("./llm.ts")).setUpLlm),
  parameters: {
    flags: {
      provider: toText("Who runs the model: anthropic, openai, gemini, … or a name for your own", "NAME"),
      keyFile: toText("File with the key; - is standard input", "FILE"),
      noKey: toSwitch("The server wants no key"),
      kind: {
        kind: "enum",
        values: kindNames,
        brief: "Protocol, where the name does not say it",
        placeholder: "KIND",
        optional: true,
      },
      baseUrl: toText("Address of the API, where it is not the vendor's", "URL"),
      model: toText("Model that auto takes of it", "MODEL"),
      offline: toSwitch("Do not try the key before it is written"),
      config,
      data,
    },
  },
  docs: {
    brief: "Give agents a model: key, tried with one cheap request",
    fullDescription: toDescription(
      "The key goes into secrets/NAME of the config folder, readable by you alone; llm.yaml refers to it.",
      [
        "agent setup llm",
        "agent setup llm --provider anthropic --key-file key.txt",
        "pass show openai | agent setup llm --provider openai --key-file -",
        "agent setup llm --provider local --kind openai_compatible --base-url http://127.0.0.1:11434/v1 --model qwen3 --no-key",
      ],
      [...codes, "3 the provider refuses the key"],
    ),
  },
});

const agent = buildCommand({
  loader: toStep(async () => (await import("./agent.ts")).setUpAgent),
  parameters: {
    flags: {
      id: toText("Id, for subjects, files and commands", "ID"),
      name: toText("How it calls itself", "NAME"),
      character: toText("Who it is and how it behaves", "TEXT"),
      language: toText("Language of its answers [the sender's]", "LANGUAGE"),
      description: toText("What it is for, for other agents", "TEXT"),
      config,
      data,
    },
  },
  docs: {
    brief: "Make an agent, or change how it speaks",
    fullDescription: toDescription("An id that is there already is changed, only in what is given.", [
      "agent setup agent",
      'agent setup agent --id sales --name Sara --character "You sell shoes." --language en',
    ], codes),
  },
});

const telegram = buildCommand({
  loader: toStep(async () => (await import("./telegram.ts")).setUpTelegram),
  parameters: {
    flags: {
      tokenFile: toText("File with the bot's token; - is standard input", "FILE"),
      apiRoot: toText("Address of a Bot API server of your own", "URL"),
      ...channel,
      config,
      data,
    },
  },
  docs: {
    brief: "Let an agent talk on Telegram",
    fullDescription: toDescription(
      "The token is tried with getMe, goes into secrets/telegram_NAME of the config folder, and the config refers to it.",
      [
        "agent setup telegram",
        "agent setup telegram --token-file token.txt --instance sales --agent ana --allow @eva",
      ],
      [...codes, "6 Telegram refuses the token, or cannot be reached"],
    ),
  },
});

/** `agent setup` and its steps. */
export const setupRoutes = buildRouteMap({
  routes: { llm, agent, telegram },
  docs: { brief: "From nothing to a working agent, step by step" },
});
