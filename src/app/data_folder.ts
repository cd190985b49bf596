import { finishRestore } from "../backup/restore.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { type FolderLock, type Holder, lockDataFolder } from "./lock.ts";

/**
 * Makes the data folder ours alone, and finishes a restore that was interrupted.
 *
 * @param takeover Ask a process that holds it to stop first.
 * @throws {AppError} `conflict` where another process holds it; `denied` and the like where it cannot be made.
 */
export async function openDataFolder(
  dataDir: string,
  { holder, takeover, log }: { readonly holder: Holder; readonly takeover: boolean; readonly log: Log },
): Promise<FolderLock> {
  await makeFolder(dataDir, log);
  const lock = await lockDataFolder(dataDir, { holder, takeover });
  try {
    await finishRestore(dataDir);
  } catch (thrown) {
    await lock[Symbol.asyncDispose]();
    throw thrown;
  }
  return lock;
}

/** What people write is nobody else's to read. */
async function makeFolder(dataDir: string, log: Log): Promise<void> {
  try {
    await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const { kind, message } = toAppError(thrown);
    const remedy = "Name a folder that this user may make and write, with --data or AGENT_DATA";
    throw new AppError(kind, `Cannot make the data folder ${dataDir}: ${message}. ${remedy}`);
  }
  try {
    await Deno.chmod(dataDir, 0o700);
  } catch (thrown) {
    // A mounted folder may belong to somebody else; its files are ours alone nevertheless.
    log.warn("app.data_folder_shared", { error: toAppError(thrown).message });
  }
}

/** Where each listener is reached. */
export interface Addresses {
  readonly health: URL;
  readonly metrics: URL;
  readonly admin: URL;
}

/** Tells other programs of this user where the process is: `run.json` in the data folder, until it is disposed. */
export async function openRunFile(dataDir: string, holder: Holder, addresses: Addresses): Promise<AsyncDisposable> {
  const path = `${dataDir}/run.json`;
  const temporary = `${path}.${holder.pid}`;
  const { health, metrics, admin } = addresses;
  const run = { ...holder, health: health.href, metrics: metrics.href, admin: admin.href };
  await Deno.writeTextFile(temporary, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  await Deno.rename(temporary, path);
  return { [Symbol.asyncDispose]: () => Deno.remove(path) };
}
