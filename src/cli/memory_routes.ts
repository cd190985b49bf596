import { buildCommand } from "@stricli/core";
import { buildGroup, data, json, limit, toAction, toCount, toDescription, yes } from "./route_parts.ts";

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

/** `agent memory`. */
export const memoryRoutes = buildGroup("What agents know across conversations", {
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
        yes,
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
});
