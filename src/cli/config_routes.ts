import { buildCommand } from "@stricli/core";
import { buildGroup, config, json, toAction, toDescription } from "./route_parts.ts";

/** `agent config`. */
export const configRoutes = buildGroup("Check and explain the config", {
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
});
