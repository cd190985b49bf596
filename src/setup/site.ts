import { plugins } from "../app/registry.ts";
import { newInk } from "../cli/ink.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "../cli/place.ts";
import { writeStarterFolder } from "../cli/starter_config.ts";
import type { Terminal } from "../cli/terminal.ts";
import type { Config } from "../config/config.ts";
import { type ConfigEdit, type ConfigFile, editedMeanwhile, newConfigDesk } from "../config/desk.ts";
import { type ConfigChange, editConfig } from "../config/edit.ts";
import { type ConfigFault, formatFault, formatFaults } from "../config/fault.ts";
import { loadConfig } from "../config/load.ts";
import { AppError, toAppError } from "../core/error.ts";
import { isThere } from "../folder/files.ts";
import { systemClock } from "../lib/clock.ts";
import { wrapText } from "../cli/wrap.ts";
import { formatDiff } from "./diff.ts";
import { openPrompts, type Prompts } from "./prompts.ts";
import { type SecretFile, writeSecrets } from "./secret.ts";

/** Flags that every step takes. */
export type PlaceFlags = ConfigDirFlag & DataDirFlag;

/** The config that is set up, and the terminal of who does it. */
export interface Site {
  readonly terminal: Terminal;
  readonly configDir: string;
  readonly dataDir: string;
  /** The config as it is now, be it unfinished. @throws {AppError} `invalid` for a faulty one. */
  load(): Promise<Config>;
  /** What the config lacks before it can be used. */
  findMissing(): Promise<readonly ConfigFault[]>;
  /** Every file of the config as it is now; an empty text for one that could be there. */
  list(): Promise<readonly ConfigFile[]>;
  /**
   * Writes the edits and the secrets, all or nothing. The texts that files had go to `config-history` in the data folder.
   *
   * @throws {AppError} `invalid` for edits that would make the config faulty.
   */
  apply(edits: readonly ConfigEdit[], secrets: readonly SecretFile[]): Promise<void>;
}

/** What a step changes. */
export interface Plan {
  readonly changes: readonly FileChanges[];
  readonly secrets?: readonly SecretFile[];
  /** What is there afterwards, in a few words. */
  readonly done: string;
}

/** What changes in one file. */
export interface FileChanges {
  /** Path in the config folder. */
  readonly path: string;
  /** {@linkcode ConfigFile.version} of the text that items of lists were counted in, where `changes` name some. */
  readonly base?: string;
  readonly changes: readonly ConfigChange[];
}

/**
 * Makes a {@linkcode Site}. A config folder that is not there looks like the one that the program comes with, and is made
 * with the first thing that is written.
 */
export function newSite(terminal: Terminal, flags: PlaceFlags): Site {
  const configDir = toConfigDir(flags, terminal.env);
  const dataDir = toDataDir(flags, terminal.env);
  const { env } = terminal;
  const newDesk = (dir: string) =>
    newConfigDesk({
      dir,
      pastDir: `${dataDir}/config-history`,
      env,
      plugins,
      clock: systemClock,
      allowUnfinished: true,
      // A running process sees the files change by itself.
      reload: () => Promise.resolve({ result: "unchanged" }),
    });
  return {
    terminal,
    configDir,
    dataDir,
    load: () =>
      withConfigDir(configDir, async (dir) => {
        const result = await loadConfig({ dir, env, plugins, generation: 1, allowUnfinished: true });
        if (!result.ok) throw new AppError("invalid", formatFaults(result.faults));
        return result.loaded.config;
      }),
    async findMissing() {
      const result = await loadConfig({ dir: configDir, env, plugins, generation: 1 });
      return result.ok ? [] : result.faults;
    },
    list: () => withConfigDir(configDir, (dir) => newDesk(dir).list()),
    async apply(edits, secrets) {
      const write = async (dir: string) => {
        await using written = await writeSecrets(dir, secrets);
        if (edits.length > 0) await newDesk(dir).apply(...edits);
        await written.keep();
      };
      try {
        if (!await writeStarterFolder(configDir, write)) await write(configDir);
      } catch (thrown) {
        const { kind, message, reason } = toAppError(thrown);
        if (reason === editedMeanwhile) throw newEditedError("The config");
        if (thrown instanceof AppError || kind === "bug") throw thrown;
        throw new AppError(kind, `Cannot write ${configDir}: ${message}. Nothing was written`);
      }
    },
  };
}

/** Reads the config folder; where there is none, one that the program comes with, which is gone afterwards. */
async function withConfigDir<T>(configDir: string, read: (dir: string) => Promise<T>): Promise<T> {
  if (await isThere(configDir)) return await read(configDir);
  const folder = await Deno.makeTempDir({ prefix: "nexo-setup-" });
  try {
    await writeStarterFolder(`${folder}/config`);
    return await read(`${folder}/config`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file of the config as it is now; an empty text where it is not there. */
export async function readConfigFile(site: Site, path: string): Promise<ConfigFile> {
  const file = (await site.list()).find((one) => one.path === path);
  if (file === undefined) throw new AppError("bug", `Nothing reads ${path}`);
  return file;
}

/**
 * The prompts of a step that lacks some of what it needs; `undefined` where it has all of it and asks nothing.
 *
 * @param needed What each flag that the step cannot do without was given.
 * @throws {AppError} `invalid` where there is nobody to ask.
 */
export async function promptsFor(
  { terminal }: Site,
  step: string,
  needed: Readonly<Record<string, string | undefined>>,
): Promise<Prompts | undefined> {
  const missing = Object.entries(needed).filter(([, value]) => value === undefined).map(([flag]) => flag);
  if (missing.length === 0) return undefined;
  if (terminal.interactive) return await openPrompts();
  throw new AppError(
    "invalid",
    `agent setup ${step} needs ${
      missing.join(" and ")
    }, for there is no terminal to ask on. See agent setup ${step} --help`,
  );
}

/**
 * Shows what the plan changes and does it. Where a person was asked, they have the last word.
 *
 * @throws {AppError} `invalid` for a plan that would make the config faulty; `cancelled` where the person says no.
 */
export async function carryOut(
  site: Site,
  { changes, secrets = [], done }: Plan,
  prompts: Prompts | undefined,
): Promise<void> {
  const { terminal, configDir } = site;
  const ink = newInk(terminal.color);
  const edits: ConfigEdit[] = [];
  for (const { path, base: counted, changes: wanted } of changes) {
    const { text: before, version: base } = await readConfigFile(site, path);
    if (base !== (counted ?? base)) throw newEditedError(path);
    const text = editConfig(before, wanted);
    if (text === before) continue;
    edits.push({ path, text, base });
    terminal.print(`${formatDiff(`${configDir}/${path}`, before, text, ink)}\n`);
  }
  for (const { name } of secrets) {
    terminal.print(`${ink.bold(`${configDir}/secrets/${name}`)}: only you can read it\n`);
  }
  if (prompts !== undefined && !await prompts.confirm("Write this?", true)) {
    throw new AppError("cancelled", "Nothing was written");
  }
  await withoutInterrupt(() => site.apply(edits, secrets));
  terminal.print(`${ink.good("Done")}: ${wrapText(done, terminal.columns, 0, 6)}\n`);
  for (const fault of await site.findMissing()) {
    const lacking = `${formatFault(fault)}. ${fault.remedy}`;
    terminal.print(`${ink.warn("Still missing")}: ${wrapText(lacking, terminal.columns, 0, 15)}\n`);
  }
}

function newEditedError(what: string): AppError {
  return new AppError("conflict", `${what} was edited by somebody else meanwhile. Nothing was written: run it again`);
}

/** What ends a program waits until `work` is done: half of it would be worse than either. */
async function withoutInterrupt(work: () => Promise<void>): Promise<void> {
  const ignore = () => {};
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) Deno.addSignalListener(name, ignore);
  try {
    await work();
  } finally {
    for (const name of names) Deno.removeSignalListener(name, ignore);
  }
}
