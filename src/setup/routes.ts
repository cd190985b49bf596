import { buildCommand } from "@stricli/core";
import { buildGroup, config, data, toAction, toDescription, toGiven } from "../cli/route_parts.ts";
import type { Terminal } from "../cli/terminal.ts";
import { presetNames } from "../../plugins/email/presets.ts";
import type { PlaceFlags, Site } from "./site.ts";

// Each step's code, and the prompts, are loaded when it runs: no schema of the config is loaded for this file.

const codes = [
  "0 done",
  "2 a flag is missing or wrong, or the config is faulty",
  "130 you left it: nothing was written",
];

function toText(brief: string, placeholder: string) {
  return { kind: "parsed", parse: toGiven, brief, placeholder, optional: true } as const;
}

function toSwitch(brief: string) {
  return { kind: "boolean", brief, default: false, withNegated: false } as const;
}

const channel = {
  instance: toText("Name of the account [the one there is, else default]", "NAME"),
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
    const [{ newSite }, step] = await Promise.all([import("./site.ts"), load()]);
    return toAction(async (terminal: Terminal, flags: F) => {
      await step(newSite(terminal, flags), flags);
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
      kind: toText("Protocol, where the name does not say it: openai_compatible, anthropic, …", "KIND"),
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

const whatsapp = buildCommand({
  loader: toStep(async () => (await import("./whatsapp.ts")).setUpWhatsApp),
  parameters: {
    flags: {
      instance: channel.instance,
      agent: channel.agent,
      allow: channel.allow,
      phone: toText("Link by a code typed on the phone with this number, digits only [QR code]", "NUMBER"),
      config,
      data,
    },
  },
  docs: {
    brief: "Let an agent talk on WhatsApp",
    fullDescription: toDescription(
      "Writes the account into the config. Its phone lets it in: agent pair whatsapp NAME shows the QR code, while the process runs.",
      ["agent setup whatsapp", "agent setup whatsapp --instance support --agent ana --allow @4915112345678"],
      codes,
    ),
  },
});

const email = buildCommand({
  loader: toStep(async () => (await import("./email.ts")).setUpEmail),
  parameters: {
    flags: {
      address: toText("Mail address of the account", "ADDRESS"),
      passwordFile: toText("File with its password, or app password; - is standard input", "FILE"),
      clientId: toText("With OAuth2: id of your application with the provider", "ID"),
      clientSecretFile: toText("With OAuth2: file with the application's secret, where it has one", "FILE"),
      refreshTokenFile: toText("With OAuth2: file with the account's refresh token", "FILE"),
      tokenUrl: toText("With OAuth2: address that gives out access tokens [the provider's]", "URL"),
      preset: {
        kind: "enum",
        values: presetNames,
        brief: "Provider, where its servers shall not be looked for",
        placeholder: "NAME",
        optional: true,
      },
      imap: toText("IMAP server, HOST or HOST:PORT [found by the domain]", "SERVER"),
      smtp: toText("SMTP server, HOST or HOST:PORT [found by the domain]", "SERVER"),
      login: toText("Name to log in with, where it is not the address", "NAME"),
      caFile: toText("PEM file of an own certificate authority", "FILE"),
      ...channel,
      config,
      data,
    },
  },
  docs: {
    brief: "Let an agent answer mail",
    fullDescription: toDescription(
      "Servers are those of the provider, or those that the address's domain tells of. The login is tried with both, and nothing is sent; the password goes into secrets/email_NAME of the config folder, and the config refers to it.",
      [
        "agent setup email",
        "agent setup email --address support@gmail.com --password-file password.txt --instance support",
        "agent setup email --address a@outlook.com --client-id ID --refresh-token-file token.txt",
        "agent setup email --address a@example.org --password-file p --imap mail.example.org --smtp mail.example.org:465",
      ],
      [...codes, "4 the servers cannot be found", "6 the server refuses the login, or cannot be reached"],
    ),
  },
});

const memory = buildCommand({
  loader: toStep(async () => (await import("./memory.ts")).setUpMemory),
  parameters: {
    flags: {
      embedder: toText("What facts are found with: embedded, openai_compatible, gemini or none", "KIND"),
      keyFile: toText("File with the key; - is standard input", "FILE"),
      baseUrl: toText("Address of the API, where it is not the vendor's", "URL"),
      model: toText("Model that makes the vectors", "MODEL"),
      offline: channel.offline,
      config,
      data,
    },
  },
  docs: {
    brief: "Choose how agents find what they know",
    fullDescription: toDescription(
      "embedded is part of the program: no key, no network. Of all others one vector is asked before anything is written.",
      [
        "agent setup memory --embedder embedded",
        "agent setup memory --embedder openai_compatible --key-file key.txt",
      ],
      codes,
    ),
  },
});

const nats = buildCommand({
  loader: toStep(async () => (await import("./nats.ts")).setUpNats),
  parameters: {
    flags: {
      url: toText("Address of the server, without a login", "URL"),
      user: toText("User to log in as", "NAME"),
      passwordFile: toText("File with the user's password; - is standard input", "FILE"),
      tokenFile: toText("File with a token to log in with", "FILE"),
      credsFile: toText("Credentials file of NATS (JWT and seed); it stays where it is", "FILE"),
      offline: channel.offline,
      config,
      data,
    },
  },
  docs: {
    brief: "Let events travel over NATS, for several processes",
    fullDescription: toDescription("Logs in before it is written. TLS and clusters: docs/nats.md.", [
      "agent setup nats --url nats://127.0.0.1:4222",
      "agent setup nats --url nats://nats.example.org --user nexo --password-file password.txt",
    ], [...codes, "6 no NATS server answers there"]),
  },
});

const place = {
  user: toSwitch("A service of your own systemd, not the machine's"),
  config,
  data,
} as const;

const install = buildCommand({
  loader: async () => toAction((await import("./service.ts")).installService),
  parameters: {
    flags: {
      runAs: toText("User that it runs as [who called sudo, else nexo]", "USER"),
      print: toSwitch("Only show the unit"),
      ...place,
    },
  },
  docs: {
    brief: "Start with the machine, as a systemd service",
    fullDescription: toDescription(
      "Writes nexo.service and starts it. It may write the config and the data folder, and nothing else of the system. Variables for the config go into service.env beside it.",
      [
        "agent service install --print",
        "sudo agent service install --config /etc/nexo --data /var/lib/nexo --run-as nexo",
        "agent service install --user",
        "agent setup service --user",
      ],
      [
        "0 installed and started",
        "3 not allowed: use sudo, or --user",
        "4 no such user",
        "6 no systemd here",
      ],
    ),
  },
});

/** `agent service` and what is below it. */
export const serviceRoutes = buildGroup("Run as a systemd service", {
  install,
  status: buildCommand({
    loader: async () => toAction((await import("./service.ts")).showService),
    parameters: { flags: place },
    docs: {
      brief: "Show how the service stands",
      fullDescription: toDescription("What systemd says. How the agents themselves are: agent status.", [
        "agent service status",
        "agent service status --user",
      ], ["0 it runs", "3 it does not", "4 it is not installed", "6 no systemd here"]),
    },
  }),
  uninstall: buildCommand({
    loader: async () => toAction((await import("./service.ts")).uninstallService),
    parameters: { flags: place },
    docs: {
      brief: "Stop the service and take its unit away",
      fullDescription: toDescription("Config and data stay.", [
        "sudo agent service uninstall",
        "agent service uninstall --user",
      ], ["0 done", "3 not allowed: use sudo, or --user", "4 it is not installed", "6 no systemd here"]),
    },
  }),
});

const wizard = buildCommand({
  loader: toStep(async () => (await import("./wizard.ts")).runWizard),
  parameters: { flags: { config, data } },
  docs: {
    brief: "Ask for everything, step by step",
    fullDescription: toDescription(
      "Shows what is there and what is not. Each step is tried, shown and written by itself; Ctrl-C leaves the config as it was before the step.",
      ["agent setup", "agent setup --config /etc/nexo"],
      codes,
    ),
  },
});

/** `agent setup` and its steps. */
export const setupRoutes = buildGroup("From nothing to a working agent, step by step", {
  wizard,
  llm,
  agent,
  telegram,
  whatsapp,
  email,
  memory,
  nats,
  service: install,
}, "wizard");
