import { buildCommand } from "@stricli/core";
import { data, dryRun, json, toAction, toDescription } from "./route_parts.ts";

/** `agent chat`. */
export const chatCommand = buildCommand({
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

/** `agent dream`. */
export const dreamCommand = buildCommand({
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
