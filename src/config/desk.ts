import { AppError, toAppError } from "../core/error.ts";
import type { Clock } from "../core/clock.ts";
import { toTextVersion } from "../lib/text_version.ts";
import type { PluginSchema } from "./config.ts";
import { type ConfigFault, formatFaults } from "./fault.ts";
import { agentsDir, configFiles, listConfigFolder } from "./files.ts";
import { loadConfig } from "./load.ts";
import { type ConfigOption, toOptions } from "./options.ts";
import { giveToOwnerOf, makeOwnFolder } from "./owner.ts";
import type { ReloadOutcome } from "./reload.ts";
import { toFileShapes } from "./schemas.ts";

/** A file of the config folder, as people edit it. */
export interface ConfigFile {
  /** Path in the folder: `agents.yaml`, `plugins/telegram.yaml`. */
  readonly path: string;
  /** Empty where the file is not there yet. */
  readonly text: string;
  /** Names this text: an edit says which one it was made from. */
  readonly version: string;
}

/** A new text for a file. */
export interface ConfigEdit {
  readonly path: string;
  readonly text: string;
  /** {@linkcode ConfigFile.version} of the text that it was made from. */
  readonly base: string;
}

/** A text that a file had before it was edited here. */
export interface ConfigPast {
  readonly id: string;
  readonly path: string;
  /** ISO 8601 UTC, when it was replaced. */
  readonly replacedAt: string;
}

/** Reads and edits the config folder while the process runs. */
export interface ConfigDesk {
  /** Files that are there, and those that could be. */
  list(): Promise<readonly ConfigFile[]>;
  /** Everything that would be wrong with the whole config after the edits. */
  check(...edits: readonly Omit<ConfigEdit, "base">[]): Promise<readonly ConfigFault[]>;
  /**
   * Writes the files, keeps the texts that they had, and loads the config. Nothing is written where one cannot be.
   *
   * @throws {AppError} `invalid` for edits with faults, `conflict` where somebody has edited a file meanwhile.
   */
  apply(...edits: readonly ConfigEdit[]): Promise<ReloadOutcome>;
  /** What can be written in a file. @throws {AppError} `invalid` for a file that nothing would read. */
  options(path: string): readonly ConfigOption[];
  /** Newest first. */
  past(): Promise<readonly ConfigPast[]>;
  /** @throws {AppError} `missing` */
  readPast(id: string): Promise<string>;
}

/** What a desk uses. */
export interface ConfigDeskDeps {
  /** Config folder. */
  readonly dir: string;
  /** Folder for the texts that were replaced; made when it is needed. */
  readonly pastDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly plugins: readonly PluginSchema[];
  readonly clock: Clock;
  /** Edits need not finish the config: see {@linkcode LoadOptions.allowUnfinished}. */
  readonly allowUnfinished?: boolean;
  reload(): Promise<ReloadOutcome>;
}

/** Reason of the error where somebody has edited a file meanwhile. */
export const editedMeanwhile = "edited_meanwhile";

/** Replaced texts kept; older ones are deleted with the next edit. */
const keptPasts = 200;

/** Makes a {@linkcode ConfigDesk}. */
export function newConfigDesk(
  { dir, pastDir, env, plugins, clock, allowUnfinished = false, reload }: ConfigDeskDeps,
): ConfigDesk {
  const editable = [...Object.keys(configFiles), ...plugins.map(({ id }) => `plugins/${id}.yaml`)];
  const requireKnown = (path: string) => {
    // Nothing but these names reaches the file system.
    if (editable.includes(path) || /^agents\.d\/\w[\w-]*(?:\.\w[\w-]*)*\.yaml$/.test(path)) return;
    throw new AppError("invalid", `Nothing would read ${path}. Files: ${editable.join(", ")}, agents.d/NAME.yaml`);
  };
  const read = async (path: string): Promise<ConfigFile> => {
    const text = await readTextFile(`${dir}/${path}`) ?? "";
    return { path, text, version: await toTextVersion(text) };
  };
  const check: ConfigDesk["check"] = async (...edits) => {
    for (const { path } of edits) requireKnown(path);
    const result = await loadConfig({ dir, env, plugins, generation: 0, edited: edits, allowUnfinished });
    return result.ok ? [] : result.faults;
  };
  const keep = async ({ path, text }: ConfigFile): Promise<void> => {
    await makeOwnFolder(pastDir);
    const id = `${new Date(clock.now()).toISOString().replaceAll(":", "-")}~${path.replace("/", "~")}`;
    await Deno.writeTextFile(`${pastDir}/${id}`, text, { mode: 0o600 });
    await giveToOwnerOf(pastDir, `${pastDir}/${id}`);
    const old = (await listPasts(pastDir)).slice(keptPasts);
    for (const past of old) await Deno.remove(`${pastDir}/${past.id}`);
  };
  let last: Promise<unknown> = Promise.resolve();

  const readBase = async ({ path, base }: ConfigEdit): Promise<ConfigFile> => {
    requireKnown(path);
    const before = await read(path);
    if (before.version === base) return before;
    const remedy = "Load it again and make the change in the new text";
    throw new AppError("conflict", `${path} was edited meanwhile. ${remedy}`, { reason: editedMeanwhile });
  };
  const applyNow = async (edits: readonly ConfigEdit[]): Promise<ReloadOutcome> => {
    {
      using _lock = await lockFolder(dir, clock);
      const before = await Promise.all(edits.map(readBase));
      const faults = await check(...edits);
      if (faults.length > 0) throw new AppError("invalid", formatFaults(faults), { reason: "faulty_config" });
      for (const file of before) await keep(file);
      await replaceFiles(edits.map(({ path, text }) => ({ path: `${dir}/${path}`, text })));
    }
    return await reload();
  };

  return {
    async list() {
      const { files } = await listConfigFolder(dir);
      return await Promise.all([...new Set([...files, ...editable])].map(read));
    },
    check,
    options(path) {
      requireKnown(path);
      const shape = toFileShapes(plugins).get(path.startsWith(`${agentsDir}/`) ? "agents.yaml" : path);
      return shape === undefined ? [] : toOptions(shape);
    },
    apply(...edits) {
      // One after the other: each sees what the one before has written.
      const applied = last.then(() => applyNow(edits));
      last = applied.catch(() => {});
      return applied;
    },
    past: () => listPasts(pastDir),
    async readPast(id) {
      const known = (await listPasts(pastDir)).some((past) => past.id === id);
      if (!known) throw new AppError("missing", `There is no earlier text ${id}. List them again`);
      return await Deno.readTextFile(`${pastDir}/${id}`);
    },
  };
}

/** How long edits of another process are waited for, milliseconds; one takes a moment. */
const lockMs = 10_000;
const lockRetryMs = 20;

/**
 * Holds a config folder against edits by other processes: between the look at the text that an edit was made from and
 * its replacement nobody else may write. It cannot outlive its holder, and leaves nothing in the folder.
 *
 * @throws {AppError} `timeout` where another process does not let it go.
 */
async function lockFolder(dir: string, clock: Clock): Promise<Disposable> {
  const folder = await Deno.open(dir);
  try {
    const until = clock.monotonic() + lockMs;
    while (!await tryLock(folder)) {
      if (clock.monotonic() > until) {
        throw new AppError("timeout", `Another process is editing ${dir}, and does not end. Try again when it has`);
      }
      await clock.wait(lockRetryMs);
    }
    return folder;
  } catch (thrown) {
    folder.close();
    throw thrown;
  }
}

/** NFS, and some file systems of containers, lock no folder: there the comparison of the texts has to do. */
async function tryLock(folder: Deno.FsFile): Promise<boolean> {
  try {
    return await folder.tryLock(true);
  } catch (thrown) {
    // EBADF, ENOLCK, ENOSYS, EOPNOTSUPP.
    if (thrown instanceof Error && /\(os error (?:9|37|38|95)\)/.test(thrown.message)) return true;
    throw thrown;
  }
}

async function listPasts(folder: string): Promise<readonly ConfigPast[]> {
  const pasts: ConfigPast[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      const [at, ...path] = name.split("~");
      const replacedAt = at?.replace(/T(\d\d)-(\d\d)-/, "T$1:$2:") ?? "";
      pasts.push({ id: name, path: path.join("/"), replacedAt });
    }
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  }
  return pasts.sort((one, other) => one.id < other.id ? 1 : -1);
}

/** Whole or not at all; keeps the mode of a file that is there. Nothing takes its place before all are written. */
async function replaceFiles(files: readonly { readonly path: string; readonly text: string }[]): Promise<void> {
  const unfinished = new Map<string, string>();
  try {
    for (const { path: named, text } of files) {
      const path = await followLink(named);
      const folder = path.slice(0, path.lastIndexOf("/"));
      await Deno.mkdir(folder, { recursive: true });
      const name = `${folder}/.${crypto.randomUUID()}`;
      unfinished.set(name, path);
      await writeWhole(name, text, await modeOf(path));
      await giveToOwnerOf(await isThere(path) ? path : folder, name);
    }
    for (const [name, path] of unfinished) {
      await Deno.rename(name, path);
      unfinished.delete(name);
    }
  } catch (thrown) {
    for (const name of unfinished.keys()) {
      await Deno.remove(name).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    throw thrown;
  }
}

/** A link stays a link: what it names is replaced. */
async function followLink(path: string): Promise<string> {
  return await isThere(path) ? await Deno.realPath(path) : path;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return false;
    throw thrown;
  }
}

async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await file.write(bytes));
  await file.sync();
}

/** A config may hold keys: a new file is its owner's alone. */
async function modeOf(path: string): Promise<number> {
  try {
    return ((await Deno.stat(path)).mode ?? 0o600) & 0o777;
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return 0o600;
    throw thrown;
  }
}

async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return undefined;
    throw thrown;
  }
}
