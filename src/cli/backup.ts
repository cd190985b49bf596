import { finishRestore, restoreData } from "../backup/restore.ts";
import { type ArchiveFile, writeArchive } from "../backup/archive.ts";
import { readDataFiles } from "../backup/data_files.ts";
import { isSealed, type Key, openSealed, type Seal, sealInto } from "../backup/seal.ts";
import { lockDataFolder } from "../app/lock.ts";
import { plugins } from "../app/registry.ts";
import { loadConfig } from "../config/load.ts";
import { readPortableConfig } from "../config/portable.ts";
import { AppError, toAppError } from "../core/error.ts";
import { version } from "../core/version.ts";
import { removeIfThere } from "../folder/files.ts";
import { newId } from "../lib/id.ts";
import { redact } from "../telemetry/redact.ts";
import { type ConfigDirFlag, type DataDirFlag, toConfigDir, toDataDir } from "./place.ts";
import { toPlain } from "./plain.ts";
import { openProgress, type Progress, withByteCount } from "./progress.ts";
import { askSecret } from "./secret_prompt.ts";
import { sayCount, toJsonText } from "./say.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `agent backup`. */
export interface BackupFlags extends DataDirFlag, ConfigDirFlag {
  readonly encrypt: boolean;
  readonly passphraseFile?: string;
  readonly recipient?: readonly string[];
  readonly json: boolean;
}

/** Flags of `agent restore`. */
export interface RestoreFlags extends DataDirFlag, ConfigDirFlag {
  readonly passphraseFile?: string;
  readonly identityFile?: string;
  readonly force: boolean;
  readonly json: boolean;
}

/** `agent backup [FILE]`: everything into one file, while a process may run. */
export async function makeBackup(terminal: Terminal, flags: BackupFlags, given?: string): Promise<number> {
  const dataDir = toDataDir(flags, terminal.env);
  const configDir = toConfigDir(flags, terminal.env);
  const seal = await readSeal(terminal, flags);
  const createdAt = new Date().toISOString();
  const path = given ??
    `nexo-backup-${createdAt.slice(0, 19).replaceAll(":", "-")}.tar.gz${seal === undefined ? "" : ".age"}`;
  await requireData(dataDir);
  const leftOut: string[] = [];
  const { sizeBytes, files } = await write({ path, dataDir, configDir, terminal, seal, createdAt, leftOut });
  if (flags.json) terminal.print(toJsonText({ path, sizeBytes, files, leftOut, encrypted: seal !== undefined }));
  else terminal.print(formatBackup({ path, sizeBytes, files, leftOut, isSealed: seal !== undefined }));
  return 0;
}

/** `agent restore FILE`: puts a backup in the place of a data folder on which nothing runs. */
export async function restoreBackup(terminal: Terminal, flags: RestoreFlags, path: string): Promise<number> {
  const dataDir = toDataDir(flags, terminal.env);
  const configDir = toConfigDir(flags, terminal.env);
  using progress = openProgress(terminal);
  const source = await openArchive(terminal, flags, path, progress);
  const holder = { pid: Deno.pid, bootId: newId(), startedAt: new Date().toISOString() };
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  await using _lock = await lockDataFolder(dataDir, { holder });
  await finishRestore(dataDir);
  const { manifest, config } = await restoreData(source, { dataDir, configDir, force: flags.force });
  progress[Symbol.dispose]();
  if (flags.json) {
    terminal.print(toJsonText({ dataDir, createdAt: manifest.createdAt, files: manifest.files.length, config }));
  } else {
    const configs = {
      restored:
        `The config is in ${configDir}. Secrets were not in the backup: agent config check names what is missing, and agent setup asks for it.\n`,
      kept: `${configDir} has files and was left as it is; the backup's config was not restored.\n`,
      none: "",
    };
    const left = manifest.leftOut.map((what) => `Not in the backup: ${toPlain(what)}\n`).join("");
    terminal.print(
      `Restored ${sayCount(manifest.files.length, "file")} of ${manifest.createdAt} into ${dataDir}.\n${
        configs[config]
      }${left}`,
    );
  }
  return 0;
}

interface Place {
  readonly dataDir: string;
  readonly configDir: string;
  readonly terminal: Terminal;
  /** What is not in the archive, in words. */
  readonly leftOut: string[];
}

interface Writing extends Place {
  readonly path: string;
  readonly seal: Seal | undefined;
  readonly createdAt: string;
}

/** Where logins at MCP servers are kept. */
const mcpLogins = /^mcp\/[^/]+\.login\.json/;

/** Under another name until it is whole: a backup that was cut off never looks like one. */
async function write({ path, seal, createdAt, ...place }: Writing) {
  using progress = openProgress(place.terminal);
  const partial = `${path}.partial`;
  const copyDir = `${path}.copies`;
  const file = await Deno.open(partial, { write: true, create: true, mode: 0o600 });
  try {
    if (!await file.tryLock(true)) {
      throw new AppError("conflict", `Another backup is being written to ${path}. Wait for it, or name another file`);
    }
    await file.truncate(0);
    await removeIfThere(copyDir, { recursive: true });
    await Deno.mkdir(copyDir, { mode: 0o700 });
    const signal = new AbortController().signal;
    let writtenBytes = 0;
    const sink = new WritableStream<Uint8Array<ArrayBuffer>>({
      async write(chunk) {
        for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
        writtenBytes += chunk.length;
        progress.tell(`Backing up: ${sayMegabytes(writtenBytes)} written to ${path}`);
      },
    });
    const sealed = seal === undefined ? undefined : await sealInto(sink, seal, signal);
    const about = { version, createdAt, leftOut: () => place.leftOut };
    const { files } = await writeArchive(
      readAll(place, copyDir, seal !== undefined),
      about,
      sealed?.writable ?? sink,
      signal,
    );
    await sealed?.written;
    await file.sync();
    await Deno.rename(partial, path);
    return { sizeBytes: (await file.stat()).size, files: files.length };
  } catch (thrown) {
    await Deno.remove(partial).catch(() => {}); // told by what is thrown here
    throw thrown;
  } finally {
    file.close();
    await removeIfThere(copyDir, { recursive: true });
  }
}

async function* readAll(
  { dataDir, configDir, terminal, leftOut }: Place,
  copyDir: string,
  mayHoldSecrets: boolean,
): AsyncGenerator<ArchiveFile> {
  const credentials = [
    mcpLogins,
    ...plugins.flatMap(({ id, credentials = [] }) =>
      credentials.map((name) => new RegExp(`^plugins/${id}/[^/]+/${name.replaceAll(".", "\\.")}`))
    ),
  ];
  yield* readDataFiles({
    dataDir,
    copyDir,
    isTooSecret: (path) => !mayHoldSecrets && credentials.some((pattern) => pattern.test(path)),
    onLeftOut: (what) => leftOut.push(what),
  });
  let config: Awaited<ReturnType<typeof readPortableConfig>>;
  try {
    config = await readPortableConfig(configDir, plugins, redact);
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
    leftOut.push(`the config: there is no folder ${configDir}`);
    return;
  }
  const loaded = await loadConfig({ dir: configDir, env: terminal.env, plugins, generation: 1 });
  for (const { id, workspace, skills_dir } of loaded.ok ? loaded.loaded.config.agents : []) {
    for (const folder of [workspace, skills_dir]) {
      if (folder !== undefined) leftOut.push(`${folder}: a folder of ${id} that the config names; copy it yourself`);
    }
  }
  for (const { name, text, secrets } of config) {
    for (const secret of secrets) leftOut.push(`config/${name} ${secret}: it is a secret`);
    const bytes = new TextEncoder().encode(text);
    yield {
      path: `config/${name}`,
      mode: 0o600,
      size: bytes.length,
      open: () => Promise.resolve(new Blob([bytes]).stream()),
    };
  }
}

async function openArchive(
  terminal: Terminal,
  flags: RestoreFlags,
  path: string,
  progress: Progress,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const beginning = new Uint8Array(64);
  let size: number;
  {
    using file = await openFile(path);
    await file.read(beginning);
    size = (await file.stat()).size;
  }
  const open = async () =>
    withByteCount((await openFile(path)).readable, (total) => {
      progress.tell(`Restoring: ${Math.floor(100 * total / size)} % of ${sayMegabytes(size)}`);
    });
  if (!isSealed(beginning)) return await open();
  const key = await readKey(terminal, flags);
  return await openSealed(await open(), key);
}

async function openFile(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    throw new AppError(kind, `Cannot read ${path}: ${message}. Name the file that agent backup has written`);
  }
}

async function readSeal(
  terminal: Terminal,
  { encrypt, passphraseFile, recipient = [] }: BackupFlags,
): Promise<Seal | undefined> {
  if (recipient.length > 0) {
    if (encrypt || passphraseFile !== undefined) {
      throw new AppError("invalid", "Cannot encrypt with a passphrase and for recipients at once: choose one");
    }
    return { kind: "recipients", recipients: recipient };
  }
  if (!encrypt && passphraseFile === undefined) return undefined;
  return { kind: "passphrase", passphrase: await readPassphrase(terminal, passphraseFile, true) };
}

async function readKey(terminal: Terminal, { passphraseFile, identityFile }: RestoreFlags): Promise<Key> {
  if (identityFile === undefined) {
    return { kind: "passphrase", passphrase: await readPassphrase(terminal, passphraseFile, false) };
  }
  const lines = (await readSmallFile(identityFile)).split("\n").map((line) => line.trim());
  const identities = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length > 0) return { kind: "identities", identities };
  throw new AppError("invalid", `${identityFile} holds no identity. Make one with age-keygen`);
}

/** From a file or from the terminal, never from the command line, which everybody on the machine can read. */
async function readPassphrase(terminal: Terminal, file: string | undefined, isNew: boolean): Promise<string> {
  if (file !== undefined) {
    const passphrase = (await readSmallFile(file)).replace(/\r?\n$/, "");
    if (passphrase !== "") return passphrase;
    throw new AppError("invalid", `${file} is empty. Write the passphrase into it`);
  }
  if (!terminal.interactive) {
    throw new AppError("invalid", "Cannot ask for the passphrase: nobody sits at the terminal. Use --passphrase-file");
  }
  const passphrase = await askSecret("Passphrase: ", terminal.complain);
  if (isNew && passphrase !== await askSecret("Once more: ", terminal.complain)) {
    throw new AppError("invalid", "The two passphrases differ. Nothing was written; try again");
  }
  if (passphrase !== "") return passphrase;
  throw new AppError("invalid", "An empty passphrase protects nothing. Try again");
}

async function readSmallFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    throw new AppError(kind, `Cannot read ${path}: ${message}`);
  }
}

async function requireData(dataDir: string): Promise<void> {
  try {
    await Deno.stat(`${dataDir}/ledger.db`);
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw thrown;
    throw new AppError("missing", `There is nothing to back up in ${dataDir}. Name the data folder with --data`);
  }
}

function sayMegabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function formatBackup(
  { path, sizeBytes, files, leftOut, isSealed: sealed }: {
    readonly path: string;
    readonly sizeBytes: number;
    readonly files: number;
    readonly leftOut: readonly string[];
    readonly isSealed: boolean;
  },
): string {
  const size = sayMegabytes(sizeBytes);
  const lines = [
    `${path}: ${sayCount(files, "file")}, ${size}${sealed ? ", encrypted" : ""}.`,
    ...leftOut.map((what) => `Left out: ${toPlain(what)}`),
    ...(sealed
      ? []
      : ["It holds what people wrote, readable by whoever gets it. To encrypt it: --encrypt, or --recipient."]),
  ];
  return `${lines.join("\n")}\n`;
}
