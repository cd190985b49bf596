import { backup, DatabaseSync } from "node:sqlite";
import { AppError, toAppError } from "../core/error.ts";
import type { ArchiveFile } from "./archive.ts";

/** Which files of a data folder are backed up. */
export interface DataFilesOptions {
  readonly dataDir: string;
  /** Folder for copies of what may change while it is read. */
  readonly copyDir: string;
  /** Whether a file, by its path in the data folder, gives access to an account, and the archive is not encrypted. */
  isTooSecret(path: string): boolean;
  /** Told of what is left out, in words. */
  onLeftOut(what: string): void;
}

/** Of the running process, or made anew at a start. */
const passing = [/^lock\//, /^cache\//, /^native\//, /^restoring\//, /^run\.json/, /^admin\.token$/];
/** Fetched again, or old; and versions of the config, in which secrets may stand. */
const idle = [/^config-history\//, /^plugins\/[^/]+\/[^/]+\/media\//, /\.before-v\d+$/, /\.unfinished$/];
const sideFile = /-(wal|shm|journal)$/;
const sqliteIntro = "SQLite format 3\u0000";

/** Whether a path in the data folder is one that neither a backup holds nor a restore writes. */
export function isPassing(path: string): boolean {
  return passing.some((pattern) => pattern.test(path));
}

/**
 * Every file of a data folder, as it stands when its turn comes, while a process may work on it. Databases are copied
 * as of one moment; the ledger comes first, so that what channels note of a message is never older than the message. Of a
 * Git repository its objects come last: whatever its branches name is there.
 */
export async function* readDataFiles(options: DataFilesOptions): AsyncGenerator<ArchiveFile> {
  const { dataDir, isTooSecret, onLeftOut } = options;
  const paths: string[] = [];
  for await (const path of listFiles(dataDir, "", onLeftOut)) {
    if (!isPassing(path) && !idle.some((pattern) => pattern.test(path))) paths.push(path);
  }
  const known = new Set(paths);
  for (const path of paths.toSorted((one, other) => rankOf(one) - rankOf(other) || (one < other ? -1 : 1))) {
    if (sideFile.test(path) && known.has(path.replace(sideFile, ""))) continue;
    if (isTooSecret(path)) {
      onLeftOut(`${path}: it gives access to an account, and the archive is not encrypted`);
      continue;
    }
    const file = await readDataFile(path, options);
    if (file !== undefined) yield file;
  }
}

function rankOf(path: string): number {
  if (path === "ledger.db") return 0;
  return path.includes("/.git/objects/") ? 2 : 1;
}

async function* listFiles(root: string, folder: string, onLeftOut: (what: string) => void): AsyncGenerator<string> {
  for await (const { name, isFile, isDirectory } of Deno.readDir(`${root}/${folder}`)) {
    const path = `${folder}${name}`;
    if (isDirectory) yield* listFiles(root, `${path}/`, onLeftOut);
    else if (isFile) yield path;
    else onLeftOut(`${path}: it is no plain file`);
  }
}

/** `undefined` for a file that is gone meanwhile. */
async function readDataFile(path: string, { dataDir, copyDir }: DataFilesOptions): Promise<ArchiveFile | undefined> {
  const from = `${dataDir}/${path}`;
  const copy = `${copyDir}/copy`;
  try {
    const mode = ((await Deno.lstat(from)).mode ?? 0o600) & 0o777;
    if (await isDatabase(from)) await copyDatabase(from, copy);
    else await Deno.copyFile(from, copy);
    const { size } = await Deno.stat(copy);
    return { path: `data/${path}`, mode, size, open: async () => (await Deno.open(copy)).readable };
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return undefined;
    throw thrown;
  }
}

async function isDatabase(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(sqliteIntro.length);
  const length = await file.read(bytes);
  return length === bytes.length && new TextDecoder("latin1").decode(bytes) === sqliteIntro;
}

/** In one step, so that it is the database of one moment, however many write meanwhile. */
async function copyDatabase(from: string, to: string): Promise<void> {
  await Deno.remove(to).catch((thrown) => {
    if (toAppError(thrown).kind !== "missing") throw thrown;
  });
  try {
    using source = new DatabaseSync(from, { readOnly: true, timeout: 10_000 });
    await backup(source, to, { rate: 2_147_483_647 });
  } catch (thrown) {
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError("unavailable", `Cannot copy ${from}: ${detail}. Nothing was backed up; try again`, {
      cause: thrown,
    });
  }
}
