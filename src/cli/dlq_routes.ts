import { buildCommand } from "@stricli/core";
import { hops } from "../core/bus.ts";
import {
  buildGroup,
  data,
  dryRun,
  json,
  limit,
  toAction,
  toCount,
  toDescription,
  toDurationMs,
  yes,
} from "./route_parts.ts";

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

/** `agent dlq`. */
export const dlqRoutes = buildGroup("Dead letters: what could not be answered or sent", {
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
        yes,
        data,
        json,
      },
      positional: letterIds,
      aliases: { y: "yes" },
    },
    docs: {
      brief: "Take dead letters away",
      fullDescription: toDescription(
        "By id, or all that meet the conditions. Asks before, unless --yes is given. Can be taken back for ten minutes.",
        ["agent dlq purge 12", "agent dlq purge --older-than 30d --yes"],
        ["2 neither ids nor conditions, or nobody to ask"],
      ),
    },
  }),
  restore: buildCommand({
    loader: async () => toAction((await import("./dlq.ts")).restoreLetters),
    parameters: {
      flags: { data, json },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Number that the purge told", placeholder: "PURGE", parse: toCount(1) }],
      },
    },
    docs: {
      brief: "Bring back what a purge took away",
      fullDescription: toDescription(
        "For ten minutes after the purge; then it is gone for good.",
        ["agent dlq restore 1795377600000"],
        ["4 nothing of it is left"],
      ),
    },
  }),
}, "list");
