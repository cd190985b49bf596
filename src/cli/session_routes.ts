import { buildCommand } from "@stricli/core";
import { before, buildGroup, data, json, limit, toAction, toDescription } from "./route_parts.ts";

/** `agent sessions`. */
export const sessionRoutes = buildGroup("Conversations and their transcripts", {
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
}, "list");
