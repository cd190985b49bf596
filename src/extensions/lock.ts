import { z } from "zod";
import { AppError, toAppError } from "../core/error.ts";
import { readTextIfThere } from "../folder/files.ts";

const entrySchema = z.object({
  /** SHA-256 of the content that was installed. Absent for one in a search path, whose author may be at work. */
  hash: z.string().optional(),
  /** Where it came from: a folder or an archive. */
  source: z.string().optional(),
  /** Name of the trusted key that has signed its archive. */
  signedBy: z.string().optional(),
  enabled: z.boolean(),
  /** ISO 8601 UTC of the first enabling: who came first keeps a tool's name. */
  enabledAt: z.string().optional(),
  /** ISO 8601 UTC of the newest enabling: one that was given up is tried again. */
  startedAt: z.string().optional(),
  /** What the operator has agreed to, as text; another wish is asked about again. */
  granted: z.string().optional(),
});
/** What is known of one extension. */
export type LockEntry = z.output<typeof entrySchema>;

const lockSchema = z.object({ version: z.literal(1), extensions: z.record(z.string(), entrySchema) });
/** What was installed, enabled and agreed to, by id. */
export type Lock = Readonly<Record<string, LockEntry>>;

/** Reads `lock.json` of `folder`; nothing is installed where there is none. @throws {AppError} `invalid` */
export async function readLock(folder: string): Promise<Lock> {
  const path = toLockPath(folder);
  const text = await readTextIfThere(path);
  if (text === undefined) return {};
  try {
    return lockSchema.parse(JSON.parse(text)).extensions;
  } catch (thrown) {
    const { message } = toAppError(thrown);
    throw new AppError(
      "invalid",
      `Cannot read ${path}: ${message.slice(0, 200)}. Restore it, or remove it and enable anew`,
    );
  }
}

/** Changes one entry; `undefined` takes it out. Processes that do so at the same time wait for each other. */
export async function changeLock(
  folder: string,
  id: string,
  change: (entry: LockEntry | undefined) => LockEntry | undefined,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o755 });
  using guard = await Deno.open(`${folder}/.lock`, { create: true, write: true });
  await guard.lock(true);
  const { [id]: before, ...others } = await readLock(folder);
  const after = change(before);
  const extensions = { ...others, ...(after === undefined ? {} : { [id]: after }) };
  const path = toLockPath(folder);
  const unfinished = `${path}.${Deno.pid}`;
  const text = JSON.stringify({ version: 1, extensions }, null, 2);
  await Deno.writeTextFile(unfinished, `${text}\n`, { mode: 0o600 });
  await Deno.rename(unfinished, path);
}

function toLockPath(folder: string): string {
  return `${folder}/lock.json`;
}
