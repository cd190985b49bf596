import { dirname, join } from "node:path";
import { plugins } from "../app/registry.ts";
import type { Config } from "../config/config.ts";
import { explain, type Explanation } from "../config/explain.ts";
import { type ConfigFault, didYouMean, formatFault, formatFaults } from "../config/fault.ts";
import { loadConfig, type LoadedConfig, type LoadResult } from "../config/load.ts";
import { toEditorSchemas } from "../config/schemas.ts";
import { AppError, errorKinds } from "../core/error.ts";
import { type Ink, newInk } from "./ink.ts";
import { type ConfigDirFlag, toConfigDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { sayCount, toJsonText } from "./say.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent config check` and `agent config explain`. */
export interface ConfigFlags extends ConfigDirFlag {
  readonly json: boolean;
}

/** `agent config check`: every fault, or that there is none. */
export async function checkConfig(terminal: Terminal, flags: ConfigFlags): Promise<number> {
  const result = await load(terminal, flags);
  if (flags.json) {
    const { faults, warnings } = result.ok
      ? { faults: [], warnings: result.loaded.warnings }
      : { faults: result.faults, warnings: [] };
    terminal.print(toJsonText({ ok: result.ok, faults, warnings }));
  } else terminal.print(formatCheck(result, newInk(terminal.color)));
  return result.ok ? 0 : errorKinds.invalid.exitCode;
}

/** What a check found, for a person. */
function formatCheck(result: LoadResult, ink: Ink): string {
  if (!result.ok) return `${toPlain(formatFaults(result.faults))}\n`;
  const { config: { agents, llm, plugins }, files, warnings } = result.loaded;
  const counts = [
    sayCount(agents.length, "agent"),
    sayCount(Object.keys(llm.providers).length, "provider"),
    sayCount(plugins.length, "channel"),
  ];
  return [
    `${ink.good("OK")}: ${counts.join(", ")} in ${sayCount(files.length, "file")}`,
    ...warnings.map((warning) => `${ink.warn("Warning")}: ${sayWarning(warning)}`),
  ].join("\n") + "\n";
}

/** `agent config explain PATH`: values, and where they came from. */
export async function explainConfig(terminal: Terminal, flags: ConfigFlags, path: string): Promise<number> {
  const explanations = explain(await requireLoaded(terminal, flags), path);
  terminal.print(flags.json ? toJsonText(explanations) : formatExplanations(explanations, newInk(terminal.color)));
  return 0;
}

/** Settings for a person: one in full, several as a table. */
function formatExplanations(explanations: readonly Explanation[], ink: Ink): string {
  const [first, ...others] = explanations;
  if (first === undefined) return "Nothing is set there.\n";
  if (others.length === 0) return formatOne(first, ink);
  const rows = explanations.map(({ path, value, origin }) => [path, sayValue(value), origin]);
  return `${
    formatTable([{ title: "SETTING", max: 200 }, { title: "VALUE" }, { title: "FROM", max: 200 }], rows, ink)
  }\n`;
}

/** `agent config schema [FILE]`: JSON Schemas for editors, printed or written into a folder. */
export async function writeSchemas(
  terminal: Terminal,
  flags: { readonly out?: string; readonly json: boolean },
  file?: string,
): Promise<number> {
  const all = toEditorSchemas(plugins);
  if (file !== undefined && !all.has(file)) {
    const names = [...all.keys()];
    const hint = didYouMean(file, names) || ` There is: ${names.join(", ")}`;
    throw new AppError("missing", `There is no config file "${toPlain(file)}".${hint}`);
  }
  const chosen = [...all].filter(([name]) => file === undefined || name === file);
  if (flags.out === undefined) {
    terminal.print(toJsonText(file === undefined ? Object.fromEntries(chosen) : all.get(file)));
    return 0;
  }
  const written: string[] = [];
  for (const [name, schema] of chosen) {
    const path = join(flags.out, name.replace(/\.yaml$/, ".schema.json"));
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, toJsonText(schema));
    written.push(path);
  }
  terminal.print(flags.json ? toJsonText({ written }) : written.map((path) => `${path}\n`).join(""));
  return 0;
}

/** Loads the config of a folder. @throws {AppError} `invalid` with every fault. */
export async function requireConfig(dir: string, env: Terminal["env"]): Promise<Config> {
  return requireSound(await loadConfig({ dir, env, plugins, generation: 1 })).config;
}

function load(terminal: Terminal, flags: ConfigFlags): Promise<LoadResult> {
  return loadConfig({ dir: toConfigDir(flags, terminal.env), env: terminal.env, plugins, generation: 1 });
}

async function requireLoaded(terminal: Terminal, flags: ConfigFlags): Promise<LoadedConfig> {
  return requireSound(await load(terminal, flags));
}

function requireSound(result: LoadResult): LoadedConfig {
  if (!result.ok) throw new AppError("invalid", formatFaults(result.faults));
  return result.loaded;
}

function formatOne({ path, value, origin, type, description, default: fallback }: Explanation, ink: Ink): string {
  const lines = [
    ["value", sayValue(value)],
    ["from", origin],
    ["type", type],
    ["default", fallback === undefined ? undefined : sayValue(fallback)],
    ["meaning", description],
  ] as const;
  return [
    ink.bold(toPlain(path)),
    ...lines.flatMap(([name, text]) => text === undefined ? [] : [`  ${ink.dim(name.padEnd(7))}  ${toPlain(text)}`]),
  ].join("\n") + "\n";
}

function sayValue(value: unknown): string {
  return value === undefined ? "(not set)" : typeof value === "string" && value !== "" ? value : JSON.stringify(value);
}

function sayWarning(warning: ConfigFault): string {
  return toPlain(`${formatFault(warning)}. ${warning.remedy}`);
}
