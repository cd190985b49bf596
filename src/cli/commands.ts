import {
  buildChoiceParser,
  buildCommand,
  buildRouteMap,
  type Command,
  type InputParser,
  type RouteMap,
} from "@stricli/core";
import { hops } from "../core/bus.ts";
import { AppError } from "../core/error.ts";
import { parseDuration } from "../lib/duration.ts";
import type { PairingWhom } from "../http/api.ts";
import { extensionRoutes } from "./ext_routes.ts";
import { printCompletions, type Shell, shells } from "./completions.ts";
import type { CliContext } from "./context.ts";
import { config, data, json, toAction, toDescription } from "./route_parts.ts";
import type { Terminal } from "./terminal.ts";

// Each command's code is loaded when it runs: `agent version` does not pay for the runtime.

const dryRun = {
  kind: "boolean",
  brief: "Only count what it would change",
  default: false,
  withNegated: false,
} as const;
const limit = {
  kind: "parsed",
  parse: toCount(1, 200),
  brief: "How many, up to 200",
  placeholder: "N",
  default: "50",
} as const;
const conditions = {
  hop: {
    kind: "enum",
    values: hops,
    brief: "Where they died",
    placeholder: "HOP",
    optional: true,
  },
  subject: {
    kind: "parsed",
    parse: String,
    brief: "Their subject, or its beginning followed by >",
    placeholder: "SUBJECT",
    optional: true,
  },
  cause: { kind: "parsed", parse: String, brief: "Error kind, or reason", placeholder: "CAUSE", optional: true },
  olderThan: {
    kind: "parsed",
    parse: toDurationMs,
    brief: "Died longer ago than this: 30m, 1h, 7d",
    placeholder: "TIME",
    optional: true,
  },
} as const;
const letterIds = {
  kind: "array",
  parameter: { brief: "Id, as agent dlq list shows it", placeholder: "ID", parse: toCount(1) },
} as const;

const run = buildCommand({
  loader: async () => toAction((await import("./run.ts")).run),
  parameters: {
    flags: {
      config,
      data,
      takeover: {
        kind: "boolean",
        brief: "Ask a process that holds the data folder to stop, then start",
        default: false,
        withNegated: false,
      },
      json,
    },
  },
  docs: {
    brief: "Run the agents until Ctrl-C",
    fullDescription: toDescription(
      "Runs every agent and every channel of the config folder. SIGINT and SIGTERM stop it in order, a second one at once.",
      [
        "agent run",
        "agent run --config ./config --data /var/lib/nexo",
        "AGENT_ADMIN_ADDR=127.0.0.1:0 agent run --json",
      ],
      ["0 it was stopped", "2 faulty config", "5 the data folder or a port is taken"],
    ),
  },
});

const status = buildCommand({
  loader: async () => toAction((await import("./status.ts")).showStatus),
  parameters: { flags: { data, json } },
  docs: {
    brief: "Show how the running process stands",
    fullDescription: toDescription(
      "Agents, channels, queues, and every part that is not well with its reason. When nothing runs, what the ledger holds.",
      ["agent status", "agent status --json | jq .ready"],
      ["0 ready", "1 running and not ready", "6 not running"],
    ),
  },
});

const logs = buildCommand({
  loader: async () => toAction((await import("./logs.ts")).showLogs),
  parameters: {
    flags: {
      follow: { kind: "boolean", brief: "Go on with entries as they come", default: false, withNegated: false },
      level: {
        kind: "enum",
        values: ["debug", "info", "warn", "error"],
        brief: "This level and louder ones",
        placeholder: "LEVEL",
        optional: true,
      },
      event: { kind: "parsed", parse: String, brief: "Beginning of the event", placeholder: "EVENT", optional: true },
      agent: { kind: "parsed", parse: String, brief: "Of this agent", placeholder: "AGENT", optional: true },
      turn: { kind: "parsed", parse: String, brief: "Of this turn", placeholder: "ID", optional: true },
      limit: { ...limit, parse: toCount(1, 2_000), brief: "How many past ones, up to 2000" },
      data,
      json,
    },
    aliases: { f: "follow" },
  },
  docs: {
    brief: "Show the log of the running process",
    fullDescription: toDescription(
      "The newest entries, oldest first; the process keeps some thousand. What it wrote before stands where its standard error goes.",
      ["agent logs -f", "agent logs --level warn", "agent logs --event plugin --json", "agent logs --turn 0199…"],
      ["0 shown", "6 not running"],
    ),
  },
});

const chat = buildCommand({
  loader: async () => toAction((await import("./chat.ts")).chat),
  parameters: {
    flags: {
      conversation: {
        kind: "parsed",
        parse: String,
        brief: "Go on with this conversation instead of a new one",
        placeholder: "NAME",
        optional: true,
      },
      data,
      json,
    },
    positional: { kind: "tuple", parameters: [{ brief: "Agent to talk to", placeholder: "AGENT", parse: String }] },
  },
  docs: {
    brief: "Talk to an agent of the running process",
    fullDescription: toDescription(
      "Each line is a message. From a pipe it answers line by line: answers on standard output, tool calls on standard error.",
      ["agent chat ana", "echo 'What time is it?' | agent chat ana", "agent chat ana --conversation notes"],
      ["0 everything was answered", "1 something was not", "4 no such agent", "6 not running"],
    ),
  },
});

const dlq = buildRouteMap({
  defaultCommand: "list",
  routes: {
    list: buildCommand({
      loader: async () => toAction((await import("./dlq.ts")).listLetters),
      parameters: {
        flags: {
          ...conditions,
          limit,
          before: {
            kind: "parsed",
            parse: toCount(1),
            brief: "Only ids below this one",
            placeholder: "ID",
            optional: true,
          },
          data,
          json,
        },
      },
      docs: {
        brief: "List what died, newest first",
        fullDescription: toDescription(
          "Letters that meet every condition. Works without a running process too.",
          [
            "agent dlq list",
            "agent dlq list --hop outbound --older-than 1h",
            "agent dlq list --subject 'plugin.inbound.>'",
          ],
        ),
      },
    }),
    show: buildCommand({
      loader: async () => toAction((await import("./dlq.ts")).showLetter),
      parameters: { flags: { data, json }, positional: { kind: "tuple", parameters: [letterIds.parameter] } },
      docs: {
        brief: "Show one dead letter, whole",
        fullDescription: toDescription("Works without a running process too.", ["agent dlq show 12"], [
          "4 no such letter",
        ]),
      },
    }),
    replay: buildCommand({
      loader: async () => toAction((await import("./dlq.ts")).replayLetters),
      parameters: { flags: { ...conditions, dryRun, data, json }, positional: letterIds },
      docs: {
        brief: "Make dead letters live again",
        fullDescription: toDescription(
          "By id, or all that meet the conditions. Without a running process they are worked on at the next start.",
          ["agent dlq replay 12 13", "agent dlq replay --cause unavailable --dry-run"],
          ["2 neither ids nor conditions", "5 a letter cannot be replayed any more"],
        ),
      },
    }),
    purge: buildCommand({
      loader: async () => toAction((await import("./dlq.ts")).purgeLetters),
      parameters: {
        flags: {
          ...conditions,
          dryRun,
          yes: { kind: "boolean", brief: "Do not ask", default: false, withNegated: false },
          data,
          json,
        },
        positional: letterIds,
        aliases: { y: "yes" },
      },
      docs: {
        brief: "Take dead letters away for good",
        fullDescription: toDescription(
          "By id, or all that meet the conditions. Asks before, unless --yes is given.",
          ["agent dlq purge 12", "agent dlq purge --older-than 30d --yes"],
          ["2 neither ids nor conditions, or nobody to ask"],
        ),
      },
    }),
  },
  docs: { brief: "Dead letters: what could not be answered or sent" },
});

const before = {
  kind: "parsed",
  parse: String,
  brief: "Older ones than this, as the page before says",
  placeholder: "CURSOR",
  optional: true,
} as const;

const sessions = buildRouteMap({
  defaultCommand: "list",
  routes: {
    list: buildCommand({
      loader: async () => toAction((await import("./sessions.ts")).listSessions),
      parameters: {
        flags: {
          agent: { kind: "parsed", parse: String, brief: "Only this agent's", placeholder: "AGENT", optional: true },
          search: {
            kind: "parsed",
            parse: String,
            brief: "Only those with these words in an entry of the transcript",
            placeholder: "WORDS",
            optional: true,
          },
          limit,
          before,
          data,
          json,
        },
      },
      docs: {
        brief: "List conversations, newest first",
        fullDescription: toDescription("Works without a running process too.", [
          "agent sessions list",
          "agent sessions list --agent ana --search invoice",
        ]),
      },
    }),
    show: buildCommand({
      loader: async () => toAction((await import("./sessions.ts")).showSession),
      parameters: {
        flags: { limit, before, data, json },
        positional: {
          kind: "tuple",
          parameters: [{ brief: "Session, as agent sessions list shows it", placeholder: "SESSION", parse: String }],
        },
      },
      docs: {
        brief: "Show a transcript",
        fullDescription: toDescription("Works without a running process too.", [
          "agent sessions show ana/telegram/sales/4711",
        ], ["4 no such session"]),
      },
    }),
    search: buildCommand({
      loader: async () => toAction((await import("./sessions.ts")).searchSessions),
      parameters: {
        flags: {
          agent: { kind: "parsed", parse: String, brief: "Only this agent's", placeholder: "AGENT", optional: true },
          limit,
          data,
          json,
        },
        positional: {
          kind: "array",
          parameter: { brief: "Word, or its beginning", placeholder: "WORDS", parse: String },
          minimum: 1,
        },
      },
      docs: {
        brief: "Find what was said, best first",
        fullDescription: toDescription(
          "Entries of transcripts that hold all of the words. Works without a running process too.",
          ["agent sessions search blue invoice", "agent sessions search invoice --agent ana --limit 5"],
        ),
      },
    }),
    export: buildCommand({
      loader: async () => toAction((await import("./sessions.ts")).exportSession),
      parameters: {
        flags: {
          format: {
            kind: "enum",
            values: ["md", "jsonl"],
            brief: "Markdown to read, or a line of JSON for each entry",
            placeholder: "FORMAT",
            default: "md",
          },
          data,
        },
        positional: {
          kind: "tuple",
          parameters: [{ brief: "Session, as agent sessions list shows it", placeholder: "SESSION", parse: String }],
        },
      },
      docs: {
        brief: "Write a whole transcript to standard output",
        fullDescription: toDescription(
          "Oldest entry first. JSON lines hold everything, tool results included. Works without a running process too.",
          [
            "agent sessions export ana/telegram/sales/4711 > transcript.md",
            "agent sessions export ana/telegram/sales/4711 --format jsonl",
          ],
          ["4 no such session"],
        ),
      },
    }),
  },
  docs: { brief: "Conversations and their transcripts" },
});

const factFilters = {
  tag: {
    kind: "parsed",
    parse: String,
    brief: "With these tags, joined by commas",
    placeholder: "TAGS",
    optional: true,
  },
  person: {
    kind: "parsed",
    parse: String,
    brief: "Told by this person, such as telegram:4711",
    placeholder: "PERSON",
    optional: true,
  },
  since: { kind: "parsed", parse: String, brief: "Told on this day or later", placeholder: "DAY", optional: true },
  before: { kind: "parsed", parse: String, brief: "Told before this day", placeholder: "DAY", optional: true },
} as const;

const agentParameter = { brief: "Agent whose memory it is", placeholder: "AGENT", parse: String } as const;

const memory = buildRouteMap({
  routes: {
    list: buildCommand({
      loader: async () => toAction((await import("./memory.ts")).listFacts),
      parameters: {
        flags: {
          ...factFilters,
          all: { kind: "boolean", brief: "Replaced and faded facts too", default: false, withNegated: false },
          limit: { ...limit, parse: toCount(1, 500), brief: "How many, up to 500" },
          after: {
            kind: "parsed",
            parse: String,
            brief: "Go on after this, as the page before says",
            placeholder: "CURSOR",
            optional: true,
          },
          data,
          json,
        },
        positional: { kind: "tuple", parameters: [agentParameter] },
      },
      docs: {
        brief: "List what an agent knows, newest first",
        fullDescription: toDescription("Works without a running process too.", [
          "agent memory list ana",
          "agent memory list ana --tag hours --since 2026-11-01",
        ], ["4 no such agent"]),
      },
    }),
    show: buildCommand({
      loader: async () => toAction((await import("./memory.ts")).showFact),
      parameters: {
        flags: { data, json },
        positional: {
          kind: "tuple",
          parameters: [agentParameter, {
            brief: "Fact, as agent memory list shows it",
            placeholder: "ID",
            parse: String,
          }],
        },
      },
      docs: {
        brief: "Show one fact and where it comes from",
        fullDescription: toDescription("Works without a running process too.", ["agent memory show ana 0199…"], [
          "4 no such fact",
        ]),
      },
    }),
    search: buildCommand({
      loader: async () => toAction((await import("./memory.ts")).searchFacts),
      parameters: {
        flags: { ...factFilters, limit: { ...limit, parse: toCount(1, 50), brief: "How many, up to 50" }, data, json },
        positional: {
          kind: "array",
          parameter: {
            brief: "Agent whose memory it is, then what to look for",
            placeholder: "AGENT WORDS",
            parse: String,
          },
          minimum: 2,
        },
      },
      docs: {
        brief: "Find facts as the agent would",
        fullDescription: toDescription(
          "Does not count as a use of the facts. Without a running process they are found by their words only.",
          ["agent memory search ana door code"],
          ["4 no such agent"],
        ),
      },
    }),
    forget: buildCommand({
      loader: async () => toAction((await import("./memory.ts")).forgetFacts),
      parameters: {
        flags: {
          yes: { kind: "boolean", brief: "Do not ask", default: false, withNegated: false },
          data,
          json,
        },
        positional: {
          kind: "array",
          parameter: { brief: "Agent whose memory it is, then facts", placeholder: "AGENT ID", parse: String },
          minimum: 2,
        },
        aliases: { y: "yes" },
      },
      docs: {
        brief: "Delete facts for good",
        fullDescription: toDescription(
          "With all that they replaced. Asks before, unless --yes is given. Works without a running process too.",
          ["agent memory forget ana 0199…", "agent memory forget ana 0199… 019a… --yes"],
          ["2 nobody to ask", "4 no such fact; the others are gone"],
        ),
      },
    }),
  },
  docs: { brief: "What agents know across conversations" },
});

const configRoutes = buildRouteMap({
  routes: {
    check: buildCommand({
      loader: async () => toAction((await import("./config.ts")).checkConfig),
      parameters: { flags: { config, json } },
      docs: {
        brief: "Find every fault of the config",
        fullDescription: toDescription("All faults of all files at once, each with its remedy.", [
          "agent config check",
          "agent config check --config /etc/nexo",
        ], ["0 no fault", "2 faults"]),
      },
    }),
    explain: buildCommand({
      loader: async () => toAction((await import("./config.ts")).explainConfig),
      parameters: {
        flags: { config, json },
        positional: {
          kind: "tuple",
          parameters: [{
            brief: "Setting, or a part of the config; absent: all",
            placeholder: "PATH",
            parse: String,
            default: "",
          }],
        },
      },
      docs: {
        brief: "Tell a setting's value and where it came from",
        fullDescription: toDescription("Secrets are never shown.", [
          "agent config explain agents.ana.model",
          "agent config explain http",
        ], ["2 faulty config", "4 no such setting"]),
      },
    }),
    schema: buildCommand({
      loader: async () => toAction((await import("./config.ts")).writeSchemas),
      parameters: {
        flags: {
          out: {
            kind: "parsed",
            parse: String,
            brief: "Write NAME.schema.json files into this folder",
            placeholder: "DIR",
            optional: true,
          },
          json,
        },
        positional: {
          kind: "tuple",
          parameters: [{
            brief: "File of the config folder; absent: all",
            placeholder: "FILE",
            parse: String,
            optional: true,
          }],
        },
      },
      docs: {
        brief: "Give JSON Schemas, for editors",
        fullDescription: toDescription("Editors check and complete YAML with them.", [
          "agent config schema llm.yaml",
          "agent config schema --out .vscode/nexo",
        ], ["4 no such file"]),
      },
    }),
  },
  docs: { brief: "Check and explain the config" },
});

const whom = {
  kind: "tuple",
  parameters: [{
    brief: "Code that they were given, or number of agent pair list",
    placeholder: "CODE",
    parse: toWhom,
  }],
} as const;
const pairingCodes = ["4 no such code or number", "5 it cannot be said about them", "3 too many wrong codes"];

const pair = buildRouteMap({
  routes: {
    list: buildCommand({
      loader: async () => toAction((await import("./pairings.ts")).listPeople),
      parameters: {
        flags: {
          state: {
            kind: "enum",
            values: ["pending", "approved", "denied", "revoked", "expired"],
            brief: "Only those who stand so; absent: all but expired",
            placeholder: "STATE",
            optional: true,
          },
          limit,
          before: {
            kind: "parsed",
            parse: toCount(1),
            brief: "Only numbers below this one",
            placeholder: "ID",
            optional: true,
          },
          data,
          json,
        },
      },
      docs: {
        brief: "List who asked to be let in, and what was said",
        fullDescription: toDescription("Newest first. Works without a running process too.", [
          "agent pair list",
          "agent pair list --state pending",
        ]),
      },
    }),
    approve: buildCommand({
      loader: async () => toAction((await import("./pairings.ts")).approvePerson),
      parameters: { flags: { data, json }, positional: whom },
      docs: {
        brief: "Let somebody in",
        fullDescription: toDescription(
          "By the code that they were given, or by number: so somebody who was denied or revoked is let in after all. Works without a running process too.",
          ["agent pair approve K7WNP3QD", "agent pair approve 12"],
          pairingCodes,
        ),
      },
    }),
    deny: buildCommand({
      loader: async () => toAction((await import("./pairings.ts")).denyPerson),
      parameters: { flags: { data, json }, positional: whom },
      docs: {
        brief: "Do not let somebody in: no answer, no further code",
        fullDescription: toDescription("Works without a running process too.", [
          "agent pair deny K7WNP3QD",
          "agent pair deny 12",
        ], pairingCodes),
      },
    }),
    revoke: buildCommand({
      loader: async () => toAction((await import("./pairings.ts")).revokePerson),
      parameters: {
        flags: { data, json },
        positional: {
          kind: "tuple",
          parameters: [{ brief: "Number of agent pair list", placeholder: "ID", parse: toCount(1) }],
        },
      },
      docs: {
        brief: "Let somebody in no longer",
        fullDescription: toDescription(
          "Holds at once, also for messages that wait. People of allow_from are in the config. Works without a running process too.",
          ["agent pair revoke 12"],
          ["4 no such number", "5 they are not let in"],
        ),
      },
    }),
    whatsapp: buildCommand({
      loader: async () => toAction((await import("./pair.ts")).pairWhatsApp),
      parameters: {
        flags: {
          anew: {
            kind: "boolean",
            brief: "Forget the account that it is linked with, and link another one",
            default: false,
            withNegated: false,
          },
          data,
        },
        positional: {
          kind: "tuple",
          parameters: [{ brief: "Instance, as the config names it", placeholder: "INSTANCE", parse: String }],
        },
      },
      docs: {
        brief: "Link a WhatsApp account: show its QR code until the phone has scanned it",
        fullDescription: toDescription(
          "Shows the QR code, or the code to type, of an instance that waits to be linked, and each one that takes its place. One that has stopped is started again first.",
          ["agent pair whatsapp sales", "agent pair whatsapp sales --anew"],
          ["0 it is linked", "4 no such instance", "6 not running, or the account cannot be linked"],
        ),
      },
    }),
  },
  docs: { brief: "Let people in, and link accounts" },
});

const mcpServer = { brief: "Server, as mcp.yaml names it", placeholder: "SERVER", parse: String } as const;

const mcp = buildRouteMap({
  defaultCommand: "list",
  routes: {
    list: buildCommand({
      loader: async () => toAction((await import("./mcp.ts")).listServers),
      parameters: { flags: { data, json } },
      docs: {
        brief: "List the MCP servers and how they stand",
        fullDescription: toDescription("A server that is away is tried again by itself.", ["agent mcp list"], [
          "6 not running",
        ]),
      },
    }),
    tools: buildCommand({
      loader: async () => toAction((await import("./mcp.ts")).listTools),
      parameters: {
        flags: { data, json },
        positional: { kind: "tuple", parameters: [{ ...mcpServer, optional: true }] },
      },
      docs: {
        brief: "List tools of MCP servers, held ones with the reason",
        fullDescription: toDescription("Names are those that allowed_tools takes.", [
          "agent mcp tools",
          "agent mcp tools files",
        ], ["4 no such server", "6 not running"]),
      },
    }),
    accept: buildCommand({
      loader: async () => toAction((await import("./mcp.ts")).acceptTools),
      parameters: {
        flags: { data, json },
        positional: {
          kind: "array",
          parameter: { brief: "Server, then its tools; none: all held", placeholder: "SERVER [TOOL]", parse: String },
          minimum: 1,
        },
      },
      docs: {
        brief: "Take held tools of a server as they are now",
        fullDescription: toDescription(
          "A tool whose description has changed is held until then: it could tell the model to do something else.",
          ["agent mcp tools files", "agent mcp accept files", "agent mcp accept files read_file write_file"],
          ["4 no such server, or the tool is not held", "6 not running"],
        ),
      },
    }),
    login: buildCommand({
      loader: async () => toAction((await import("./mcp.ts")).logIn),
      parameters: { flags: { data, json }, positional: { kind: "tuple", parameters: [mcpServer] } },
      docs: {
        brief: "Log in at a server that wants OAuth",
        fullDescription: toDescription(
          "Names a page to open in a browser on this machine. The browser comes back to the running process.",
          ["agent mcp login wiki"],
          ["4 no such server", "5 the server asks for no login", "6 not running"],
        ),
      },
    }),
    questions: buildCommand({
      loader: async () => toAction((await import("./mcp.ts")).listQuestions),
      parameters: { flags: { data, json } },
      docs: {
        brief: "List what servers ask you",
        fullDescription: toDescription("Only servers with elicitation in mcp.yaml may ask.", ["agent mcp questions"]),
      },
    }),
    answer: buildCommand({
      loader: async () => toAction((await import("./mcp.ts")).answerQuestion),
      parameters: {
        flags: { data, json },
        positional: {
          kind: "tuple",
          parameters: [
            { brief: "Question, as agent mcp questions shows it", placeholder: "ID", parse: String },
            { brief: "accept, decline or cancel", placeholder: "ACTION", parse: String },
            { brief: "The answer, with accept", placeholder: "JSON", parse: String, optional: true },
          ],
        },
      },
      docs: {
        brief: "Answer a question of a server",
        fullDescription: toDescription("The server gets what you write, and nothing else.", [
          `agent mcp answer 1f2e3d4c accept '{"name":"Eva"}'`,
          "agent mcp answer 1f2e3d4c decline",
        ], ["2 not an answer", "4 no such question", "6 not running"]),
      },
    }),
  },
  docs: { brief: "MCP servers and their tools" },
});

const mcpServerCommand = buildCommand({
  loader: async () => toAction((await import("./mcp_server.ts")).serveStdio),
  parameters: {
    flags: {
      agent: {
        kind: "parsed",
        parse: String,
        brief: "Whose tools and memory [the first agent]",
        placeholder: "AGENT",
        optional: true,
      },
      data,
    },
  },
  docs: {
    brief: "Serve agents to a desktop client over MCP",
    fullDescription: toDescription(
      "An MCP server on standard input and output, for clients that start programs. It passes on to the running process.",
      ["agent mcp-server", "agent mcp-server --agent ana --data /var/lib/nexo"],
    ),
  },
});

const forgetPerson = buildCommand({
  loader: async () => toAction((await import("./forget_person.ts")).forgetPerson),
  parameters: {
    flags: {
      dryRun: { ...dryRun, brief: "Only count what there is" },
      yes: { kind: "boolean", brief: "Do not ask", default: false, withNegated: false },
      data,
      json,
    },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "plugin:id, such as telegram:4711", placeholder: "PERSON", parse: String }],
    },
    aliases: { y: "yes" },
  },
  docs: {
    brief: "Delete everything that one person said and was told",
    fullDescription: toDescription(
      "Conversations, turns, waiting messages, replies, dead letters, files, facts, and their bytes. Works while the process runs, and without one.",
      ["agent forget-person telegram:4711 --dry-run", "agent forget-person email:eva@example.com --yes"],
      ["2 no person, or nobody to ask"],
    ),
  },
});

const passphraseFile = {
  kind: "parsed",
  parse: String,
  brief: "File with the passphrase; absent: asked for at the terminal",
  placeholder: "FILE",
  optional: true,
} as const;

const backup = buildCommand({
  loader: async () => toAction((await import("./backup.ts")).makeBackup),
  parameters: {
    flags: {
      encrypt: { kind: "boolean", brief: "Encrypt it with a passphrase", default: false, withNegated: false },
      passphraseFile,
      recipient: {
        kind: "parsed",
        parse: String,
        brief: "Encrypt it for this age public key; may be given again",
        placeholder: "KEY",
        variadic: true,
        optional: true,
      },
      config,
      data,
      json,
    },
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "File to write; absent: nexo-backup-TIME.tar.gz here",
        placeholder: "FILE",
        parse: String,
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Write everything into one file, while the agents run",
    fullDescription: toDescription(
      "Ledger, memories, workspaces with their Git history, what channels keep, and the config without secrets. Accounts that are linked (WhatsApp) only into an encrypted file.",
      [
        "agent backup",
        "agent backup /backups/nexo.tar.gz.age --recipient age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq",
        "agent backup --encrypt --passphrase-file /run/secrets/backup",
      ],
      ["4 no data folder", "5 another backup is being written to that file"],
    ),
  },
});

const restore = buildCommand({
  loader: async () => toAction((await import("./backup.ts")).restoreBackup),
  parameters: {
    flags: {
      passphraseFile,
      identityFile: {
        kind: "parsed",
        parse: String,
        brief: "File with the age identity that it was encrypted for",
        placeholder: "FILE",
        optional: true,
      },
      force: {
        kind: "boolean",
        brief: "Delete what the data folder holds",
        default: false,
        withNegated: false,
      },
      config,
      data,
      json,
    },
    positional: { kind: "tuple", parameters: [{ brief: "The backup", placeholder: "FILE", parse: String }] },
  },
  docs: {
    brief: "Put a backup in place, where nothing runs",
    fullDescription: toDescription(
      "Checks the whole file before anything is changed. The config is restored where its folder has no files.",
      [
        "agent restore nexo.tar.gz --data /var/lib/nexo",
        "agent restore nexo.tar.gz.age --identity-file key.txt --force",
      ],
      ["2 the file is damaged", "3 the wrong passphrase or identity", "5 the data folder is held, or not empty"],
    ),
  },
});

const commit = { brief: "Commit, as agent workspace log shows it", placeholder: "COMMIT", parse: String } as const;
const owner = { brief: "Agent whose files they are", placeholder: "AGENT", parse: String } as const;
const onePath = {
  kind: "parsed",
  parse: String,
  brief: "Only this file",
  placeholder: "PATH",
  optional: true,
} as const;

const workspace = buildRouteMap({
  routes: {
    log: buildCommand({
      loader: async () => toAction((await import("./workspace.ts")).showHistory),
      parameters: {
        flags: { limit, before, path: onePath, config, data, json },
        positional: { kind: "tuple", parameters: [owner] },
      },
      docs: {
        brief: "List what was changed, newest first",
        fullDescription: toDescription(
          "When, by whom, why, and which files. Changes made with an editor are the operator's. Works without a running process too.",
          ["agent workspace log ana", "agent workspace log ana --path MEMORY.md"],
          ["4 no such agent"],
        ),
      },
    }),
    show: buildCommand({
      loader: async () => toAction((await import("./workspace.ts")).showCommit),
      parameters: {
        flags: { config, data, json },
        positional: { kind: "tuple", parameters: [owner, { ...commit, optional: true }] },
      },
      docs: {
        brief: "Show one change, by default the newest",
        fullDescription: toDescription("Works without a running process too.", [
          "agent workspace show ana",
          "agent workspace show ana 3f2a91c4d0",
        ], ["4 no such agent, no such commit"]),
      },
    }),
    diff: buildCommand({
      loader: async () => toAction((await import("./workspace.ts")).showDiff),
      parameters: {
        flags: { path: onePath, config, data, json },
        positional: {
          kind: "tuple",
          parameters: [owner, { ...commit, placeholder: "FROM" }, { ...commit, placeholder: "TO", optional: true }],
        },
      },
      docs: {
        brief: "Show all that lies between two changes",
        fullDescription: toDescription("Without TO up to the newest. Works without a running process too.", [
          "agent workspace diff ana 3f2a91c4d0",
        ], ["4 no such agent, no such commit"]),
      },
    }),
    revert: buildCommand({
      loader: async () => toAction((await import("./workspace.ts")).revertCommit),
      parameters: {
        flags: { config, data, json },
        positional: { kind: "tuple", parameters: [owner, commit] },
      },
      docs: {
        brief: "Undo one change by a new one",
        fullDescription: toDescription(
          "What was changed since in other places stays. The history keeps both. Works without a running process too.",
          ["agent workspace revert ana 3f2a91c4d0"],
          ["4 no such agent, no such commit", "5 it was changed since in the same place"],
        ),
      },
    }),
  },
  docs: { brief: "Files of agents and their history" },
});

const dream = buildCommand({
  loader: async () => toAction((await import("./dream.ts")).dream),
  parameters: {
    flags: { dryRun: { ...dryRun, brief: "Only say what would be done" }, data, json },
    positional: { kind: "tuple", parameters: [{ brief: "Agent", placeholder: "AGENT", parse: String }] },
  },
  docs: {
    brief: "Tidy up an agent's memory now",
    fullDescription: toDescription(
      "Promotes what was recalled often into MEMORY.md, merges what is doubled, lets fade what nobody asked for. One commit, which agent workspace revert undoes with its facts.",
      ["agent dream ana --dry-run", "agent dream ana"],
      ["4 no such agent", "5 it dreams already", "6 not running"],
    ),
  },
});

const doctor = buildCommand({
  loader: async () => toAction((await import("./doctor.ts")).examine),
  parameters: {
    flags: {
      live: {
        kind: "boolean",
        brief: "Ask models, channels and the world's clock too",
        default: false,
        withNegated: false,
      },
      fix: { kind: "boolean", brief: "Mend what can be mended without harm", default: false, withNegated: false },
      config,
      data,
      json,
    },
  },
  docs: {
    brief: "Find what is wrong, and what mends it",
    fullDescription: toDescription(
      "Looks at the config, the machine, keys, channels, data and agents. Each finding says what is wrong, why it matters, and the command that mends it. Notes are worth knowing and do no harm.",
      ["agent doctor", "agent doctor --live", "agent doctor --fix", "agent doctor --config /etc/nexo --json"],
      ["0 nothing is wrong", "1 something is"],
    ),
  },
});

const version = buildCommand({
  loader: async () => toAction((await import("./version.ts")).showVersion),
  parameters: { flags: { json } },
  docs: { brief: "Print versions" },
});

/** @param root Every command, this one included. */
function newCompletions(root: () => RouteMap<CliContext>) {
  return buildCommand({
    loader: () =>
      Promise.resolve(
        toAction((terminal: Terminal, _flags: Readonly<Record<never, never>>, shell: Shell) =>
          printCompletions(terminal, root(), shell)
        ),
      ),
    parameters: {
      positional: {
        kind: "tuple",
        parameters: [{ brief: "bash, zsh or fish", placeholder: "SHELL", parse: buildChoiceParser(shells) }],
      },
    },
    docs: {
      brief: "Print the script that completes commands in a shell",
      fullDescription: toDescription("The shell reads it at its start; completing then starts no process.", [
        'eval "$(agent completions bash)"',
        'eval "$(agent completions zsh)"',
        "agent completions fish | source",
      ]),
    },
  });
}

/** Commands of a floor above this one, by name. */
export type MoreRoutes = Readonly<Record<string, Command<CliContext> | RouteMap<CliContext>>>;

/** Every command: those of this folder, and `more`. */
export function newRoutes(more: MoreRoutes): RouteMap<CliContext> {
  const root: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
    routes: {
      run,
      ...more,
      status,
      doctor,
      logs,
      chat,
      pair,
      dlq,
      sessions,
      forgetPerson,
      backup,
      restore,
      memory,
      workspace,
      dream,
      config: configRoutes,
      mcp,
      "mcp-server": mcpServerCommand,
      ext: extensionRoutes,
      completions: newCompletions(() => root),
      version,
    },
    docs: {
      brief: "Agents that answer people, and never lose a message",
      fullDescription: toDescription(
        "Agents that answer people, and never lose a message. More about a command: agent help COMMAND",
        ["agent setup", "agent run", "agent status", "agent chat ana", "agent config check"],
      ),
    },
  });
  return root;
}

function toCount(min: number, max = Number.MAX_SAFE_INTEGER): InputParser<number> {
  return (input) => {
    const count = /^\d+$/.test(input) ? Number(input) : NaN;
    if (count >= min && count <= max) return count;
    throw new AppError(
      "invalid",
      max < Number.MAX_SAFE_INTEGER ? `write ${min} to ${max}` : `write a number from ${min}`,
    );
  };
}

/** Numbers have no letters, codes do. */
function toWhom(input: string): PairingWhom {
  return /^\d+$/.test(input) ? { id: Number(input) } : { code: input };
}

function toDurationMs(input: string): number {
  const ms = parseDuration(input);
  if (ms === undefined) throw new AppError("invalid", "write a time such as 30m, 1h or 7d");
  return ms;
}
