import { buildCommand } from "@stricli/core";
import { templateNames } from "../extensions/templates.ts";
import { buildGroup, config, data, json, toAction, toDescription, yes } from "./route_parts.ts";

const id = { brief: "Id, as agent ext list shows it", placeholder: "ID", parse: String } as const;
/** `agent ext`. */
export const extensionRoutes = buildGroup("Extensions: tools in any language, behind walls", {
  list: buildCommand({
    loader: async () => toAction((await import("./ext.ts")).listExtensions),
    parameters: { flags: { config, data, json } },
    docs: {
      brief: "List extensions and how they stand",
      fullDescription: toDescription("Those that were installed, and those in the search paths of extensions.yaml.", [
        "agent ext list",
      ]),
    },
  }),
  info: buildCommand({
    loader: async () => toAction((await import("./ext.ts")).showExtension),
    parameters: { flags: { config, data, json }, positional: { kind: "tuple", parameters: [id] } },
    docs: {
      brief: "Show one extension, and all that it asks for",
      fullDescription: toDescription("Works without a running process too.", ["agent ext info weather"], [
        "4 no such extension",
      ]),
    },
  }),
  install: buildCommand({
    loader: async () => toAction((await import("./ext_install.ts")).install),
    parameters: {
      flags: { config, data, json },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Folder, or archive (.tar, .tar.gz)", placeholder: "PATH", parse: String }],
      },
    },
    docs: {
      brief: "Install from a folder or an archive; it runs only once it is enabled",
      fullDescription: toDescription(
        "Copies it, and locks its content: a file that changes later keeps it from starting. A signature is looked for beside an archive, in NAME.sig.",
        ["agent ext install ./my-extension", "agent ext install weather-1.0.0.tar.gz"],
        [
          "2 no extension, or a damaged archive",
          "3 its signature is missing or of nobody trusted",
          "4 nothing there",
        ],
      ),
    },
  }),
  uninstall: buildCommand({
    loader: async () => toAction((await import("./ext_install.ts")).uninstall),
    parameters: { flags: { config, data, json }, positional: { kind: "tuple", parameters: [id] } },
    docs: {
      brief: "Take an installed extension away",
      fullDescription: toDescription("What it has kept in its own folder stays.", ["agent ext uninstall weather"], [
        "4 it is not installed",
      ]),
    },
  }),
  enable: buildCommand({
    loader: async () => toAction((await import("./ext.ts")).enable),
    parameters: {
      flags: { config, data, json, yes: { ...yes, brief: "Agree to what it asks for, without being asked" } },
      positional: { kind: "tuple", parameters: [id] },
    },
    docs: {
      brief: "Show what an extension asks for, and let it run",
      fullDescription: toDescription(
        "Asks before the first time, and whenever it asks for something else. A running process starts it at once.",
        ["agent ext enable weather", "agent ext enable weather --yes"],
        ["3 not agreed to", "4 no such extension"],
      ),
    },
  }),
  disable: buildCommand({
    loader: async () => toAction((await import("./ext.ts")).disable),
    parameters: { flags: { config, data, json }, positional: { kind: "tuple", parameters: [id] } },
    docs: {
      brief: "Stop an extension",
      fullDescription: toDescription("A running process stops it at once.", ["agent ext disable weather"], [
        "4 no such extension",
      ]),
    },
  }),
  validate: buildCommand({
    loader: async () => toAction((await import("./ext_install.ts")).validate),
    parameters: {
      flags: { json },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Folder, or archive", placeholder: "PATH", parse: String }],
      },
    },
    docs: {
      brief: "Find every fault of a folder or archive, without running anything",
      fullDescription: toDescription(
        "For authors, before they give it away.",
        ["agent ext validate ./my-extension"],
        [
          "0 no fault",
          "2 faults",
        ],
      ),
    },
  }),
  doctor: buildCommand({
    loader: async () => toAction((await import("./ext_try.ts")).doctor),
    parameters: {
      flags: { config, data, json },
      positional: { kind: "tuple", parameters: [{ ...id, optional: true }] },
    },
    docs: {
      brief: "Start enabled extensions for a moment, and tell what is wrong",
      fullDescription: toDescription("Each is started, greeted and asked for its tools; none of them is called.", [
        "agent ext doctor",
        "agent ext doctor weather",
      ], ["0 all are well", "1 something is wrong", "4 no such extension"]),
    },
  }),
  run: buildCommand({
    loader: async () => toAction((await import("./ext_try.ts")).runTool),
    parameters: {
      flags: { config, data, json },
      positional: {
        kind: "tuple",
        parameters: [
          id,
          { brief: "Tool, by its own name", placeholder: "TOOL", parse: String },
          { brief: "Its input as JSON", placeholder: "JSON", parse: String, default: "{}" },
        ],
      },
    },
    docs: {
      brief: "Call one tool of an enabled extension, without any agent",
      fullDescription: toDescription("Starts it for this one call, with the same walls around it.", [
        `agent ext run weather current '{"place":"Lima"}'`,
      ], ["1 the tool says that it failed", "2 wrong input", "4 no such extension or tool"]),
    },
  }),
  new: buildCommand({
    loader: async () => toAction((await import("./ext_install.ts")).create),
    parameters: {
      flags: {
        template: { kind: "enum", values: templateNames, brief: "Its language", placeholder: "NAME", default: "ts" },
        json,
      },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "Id, and name of the new folder", placeholder: "NAME", parse: String }],
      },
    },
    docs: {
      brief: "Begin an extension of your own, which works at once",
      fullDescription: toDescription("Writes a folder with a manifest and one tool.", [
        "agent ext new greeter",
        "agent ext new greeter --template python",
      ], ["2 no good name", "5 the folder is there already"]),
    },
  }),
}, "list");
