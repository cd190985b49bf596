import { buildCommand } from "@stricli/core";
import { before, buildGroup, config, data, json, limit, toAction, toDescription } from "./route_parts.ts";

const commit = { brief: "Commit, as agent workspace log shows it", placeholder: "COMMIT", parse: String } as const;
const owner = { brief: "Agent whose files they are", placeholder: "AGENT", parse: String } as const;
const onePath = {
  kind: "parsed",
  parse: String,
  brief: "Only this file",
  placeholder: "PATH",
  optional: true,
} as const;

/** `agent workspace`. */
export const workspaceRoutes = buildGroup("Files of agents and their history", {
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
});
