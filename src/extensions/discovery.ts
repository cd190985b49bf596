import { findProgram } from "../child/system.ts";
import { toAppError } from "../core/error.ts";
import { hashFolder } from "./folder.ts";
import { type Lock, readLock } from "./lock.ts";
import { type Manifest, manifestName, readManifest } from "./manifest.ts";

/** Where extensions are, and what they may be given. */
export interface Places {
  /** Folder with what was installed and `lock.json`. Absolute. */
  readonly installedDir: string;
  /** Folders whose subfolders may be extensions too. */
  readonly searchPaths: readonly string[];
  /** The value of a variable, where there is one to give to `id`. */
  variable(id: string, name: string): string | undefined;
}

/** An extension that was found, whether or not it can run. */
export interface Found {
  /** By its manifest; where that cannot be read, the name of its folder. */
  readonly id: string;
  readonly folder: string;
  /** Installed, so its content is locked. */
  readonly installed: boolean;
  readonly enabled: boolean;
  /** Absent where it cannot be read. */
  readonly manifest?: Manifest;
  /** SHA-256 of its content. */
  readonly hash?: string;
  readonly signedBy?: string;
  /** ISO 8601 UTC of the first enabling. */
  readonly enabledAt?: string;
  /** ISO 8601 UTC of the newest enabling. */
  readonly startedAt?: string;
  /** It is enabled, and what it asks for is what was agreed to. */
  readonly agreed: boolean;
  /** Why it does not run, with the remedy. Absent: it may. */
  readonly fault?: string;
}

/** Folders inside a search path that are looked into; one with more is the wrong one. */
const maxFolders = 1_000;

/** Looks for extensions. Never fails because of one of them: what is wrong with it stands in its `fault`. */
export async function discover(places: Places): Promise<readonly Found[]> {
  const lock = await readLock(places.installedDir);
  const folders = [
    ...await listFolders(places.installedDir, true),
    ...(await Promise.all(places.searchPaths.map((path) => listFolders(path, false)))).flat(),
  ];
  const found: Found[] = [];
  for (const { folder, installed } of folders) {
    const one = await inspect(folder, installed, lock, places);
    const other = found.find(({ id }) => id === one.id);
    found.push(other === undefined ? one : { ...one, fault: `${other.folder} has the same id. Remove one of them` });
  }
  return found;
}

/** What a manifest asks for, as one text: equal exactly where the wishes are. */
export function toGrant({ permissions, requires, transport, hooks }: Manifest): string {
  return JSON.stringify([permissions, requires.env, transport, hooks.map(({ on }) => on)]);
}

async function inspect(folder: string, installed: boolean, lock: Lock, places: Places): Promise<Found> {
  const base = { id: folder.slice(folder.lastIndexOf("/") + 1), folder, installed, enabled: false, agreed: false };
  try {
    const manifest = await readManifest(folder);
    const entry = lock[manifest.id];
    const known = {
      ...base,
      id: manifest.id,
      enabled: entry?.enabled ?? false,
      manifest,
      ...(entry?.signedBy === undefined || !installed ? {} : { signedBy: entry.signedBy }),
      ...(entry?.enabledAt === undefined ? {} : { enabledAt: entry.enabledAt }),
      ...(entry?.startedAt === undefined ? {} : { startedAt: entry.startedAt }),
      agreed: entry?.enabled === true && entry.granted === toGrant(manifest),
    };
    try {
      const hash = await hashFolder(folder);
      const fault = await findFault({ ...known, hash }, lock, places);
      return { ...known, hash, ...(fault === undefined ? {} : { fault }) };
    } catch (thrown) {
      return { ...known, fault: toAppError(thrown).message };
    }
  } catch (thrown) {
    return { ...base, fault: toAppError(thrown).message };
  }
}

async function findFault(
  { id, installed, hash, manifest }: {
    readonly id: string;
    readonly installed: boolean;
    readonly hash: string;
    readonly manifest: Manifest;
  },
  lock: Lock,
  places: Places,
): Promise<string | undefined> {
  const entry = lock[id];
  if (installed && entry?.hash !== hash) {
    return `Its files are not those that were installed. Look at them, then install it again`;
  }
  if (entry?.enabled !== true) {
    return `It is not enabled. To see what it asks for and enable it: agent ext enable ${id}`;
  }
  if (entry.granted !== toGrant(manifest)) {
    return `It asks for something else than what was agreed to. To see it: agent ext enable ${id}`;
  }
  const { env, bins, os } = manifest.requires;
  if (os.length > 0 && !os.some((name) => name === Deno.build.os)) return `It needs ${os.join(" or ")}`;
  const unset = env.filter((name) => !places.variable(id, name));
  if (unset.length > 0) return `It needs ${unset.join(", ")}. Set it in the environment, or in extensions.yaml`;
  const missing: string[] = [];
  for (const bin of bins) if (await findProgram(bin) === undefined) missing.push(bin);
  return missing.length > 0 ? `It needs the program ${missing.join(", ")}. Install it` : undefined;
}

async function listFolders(path: string, installed: boolean) {
  const folders: { folder: string; installed: boolean }[] = [];
  try {
    const real = await Deno.realPath(path);
    for await (const { name, isDirectory } of Deno.readDir(real)) {
      // A link could lead out of the search path: only folders that are there themselves.
      if (!isDirectory || name.startsWith(".") || !await hasManifest(`${real}/${name}`)) continue;
      folders.push({ folder: `${real}/${name}`, installed });
      if (folders.length === maxFolders) break;
    }
  } catch (thrown) {
    if (toAppError(thrown).kind !== "missing") throw toAppError(thrown);
  }
  return folders.sort((one, other) => one.folder < other.folder ? -1 : 1);
}

async function hasManifest(folder: string): Promise<boolean> {
  try {
    await Deno.lstat(`${folder}/${manifestName}`);
    return true;
  } catch (thrown) {
    if (toAppError(thrown).kind === "missing") return false;
    throw toAppError(thrown);
  }
}
