import { buildCommand } from "@stricli/core";
import { config, data, json, limit, toAction, toCount, toDescription } from "./route_parts.ts";

/** `agent run`. */
export const runCommand = buildCommand({
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

/** `agent status`. */
export const statusCommand = buildCommand({
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

/** `agent doctor`. */
export const doctorCommand = buildCommand({
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

/** `agent logs`. */
export const logsCommand = buildCommand({
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

/** `agent pause`. */
export const pauseCommand = buildCommand({
  loader: async () => toAction((await import("./pause.ts")).pause),
  parameters: { flags: { data } },
  docs: {
    brief: "Hold new messages back with their senders",
    fullDescription: toDescription(
      "What was accepted is answered. Providers keep what comes, programs get 503. Holds over restarts, until agent resume.",
      ["agent pause"],
      ["0 paused", "6 not running"],
    ),
  },
});

/** `agent resume`. */
export const resumeCommand = buildCommand({
  loader: async () => toAction((await import("./pause.ts")).resume),
  parameters: { flags: { data } },
  docs: {
    brief: "Take new messages again",
    fullDescription: toDescription("Ends what agent pause began. What waited with the providers comes in.", [
      "agent resume",
    ], ["0 taken again", "6 not running"]),
  },
});

/** `agent version`. */
export const versionCommand = buildCommand({
  loader: async () => toAction((await import("./version.ts")).showVersion),
  parameters: { flags: { json } },
  docs: {
    brief: "Print versions",
    fullDescription: toDescription("Of the program, and of the Deno that runs it.", [
      "agent version",
      "agent version --json",
    ]),
  },
});
