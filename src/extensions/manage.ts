import { AppError } from "../core/error.ts";
import { discover, type Found, type Places, toGrant } from "./discovery.ts";
import { changeLock } from "./lock.ts";
import type { Manifest } from "./manifest.ts";

/** An extension whose manifest can be read. */
export type Known = Found & { readonly manifest: Manifest; readonly hash: string };

/** Finds an extension by its id. @throws {AppError} `missing`; `invalid` for one that cannot be read. */
export async function findExtension(places: Places, id: string): Promise<Known> {
  const all = await discover(places);
  const found = all.find((one) => one.id === id);
  if (found === undefined) {
    const known = all.map((one) => one.id).join(", ") || "none";
    throw new AppError("missing", `There is no extension ${id}. There are: ${known}`);
  }
  const { manifest, hash } = found;
  if (manifest === undefined || hash === undefined) {
    throw new AppError("invalid", found.fault ?? `${id} cannot be read`);
  }
  return { ...found, manifest, hash };
}

/**
 * Enables an extension as it stands: `hash` is that of the content whose permissions were shown.
 *
 * @throws {AppError} `missing`; `conflict` where it is not that any more.
 */
export async function enableExtension(places: Places, id: string, hash: string, nowMs: number): Promise<void> {
  const found = await findExtension(places, id);
  if (found.hash !== hash) {
    throw new AppError("conflict", `${id} has changed meanwhile. Look again at what it asks for`, {
      reason: "changed",
    });
  }
  const now = new Date(nowMs).toISOString();
  await changeLock(places.installedDir, id, (entry) => {
    if (found.installed && entry?.hash !== hash) {
      throw new AppError("denied", `The files of ${id} are not those that were installed. Install it again`);
    }
    return {
      ...entry,
      enabled: true,
      enabledAt: entry?.enabledAt ?? now,
      startedAt: now,
      granted: toGrant(found.manifest),
    };
  });
}

/** Disables an extension; what was agreed to is remembered. @throws {AppError} `missing` */
export async function disableExtension(places: Places, id: string): Promise<void> {
  await changeLock(places.installedDir, id, (entry) => {
    if (entry === undefined) throw new AppError("missing", `There is no enabled extension ${id}`);
    return { ...entry, enabled: false };
  });
}
