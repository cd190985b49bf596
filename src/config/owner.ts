import { dirname } from "node:path";
import { toAppError } from "../core/error.ts";

/**
 * Gives a new file to whoever owns `like`. An administrator who edits the config of a service would otherwise leave
 * files that the service cannot read. Nothing happens where that is not allowed: then the owner is one and the same.
 */
export async function giveToOwnerOf(like: string, path: string): Promise<void> {
  const [{ uid, gid }, own] = await Promise.all([Deno.stat(like), Deno.stat(path)]);
  if (uid === own.uid && gid === own.gid) return;
  try {
    await Deno.chown(path, uid, gid);
  } catch (thrown) {
    if (toAppError(thrown).kind !== "denied") throw thrown;
  }
}

/** Makes a folder, and those above it that are not there, for its owner alone: whoever owns the nearest one that is. */
export async function makeOwnFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (thrown) {
    const { kind } = toAppError(thrown);
    if (kind === "conflict") return;
    if (kind !== "missing") throw thrown;
    await makeOwnFolder(dirname(path));
    return await makeOwnFolder(path);
  }
  await giveToOwnerOf(dirname(path), path);
}
