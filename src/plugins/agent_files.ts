import { AppError, toAppError } from "../core/error.ts";
import { toMimeType } from "../lib/mime_type.ts";

/** A file of an agent, read. */
export interface AgentFile {
  readonly name: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads a file below an agent's own folder, `data/agents/<id>`. A path that leaves it is refused, and so is one through
 * a link, wherever that leads.
 *
 * @throws {AppError} `denied`, `missing`, or `invalid` for what is no file or larger than `maxBytes`.
 */
export async function readAgentFile(folder: string, path: string, maxBytes: number): Promise<AgentFile> {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const name = parts.at(-1);
  if (path.startsWith("/") || parts.includes("..") || /[\\\0]/.test(path) || name === undefined) throw newOutside(path);
  // Memories and the like, of everybody that the agent knows.
  if (/\.db(-wal|-shm|-journal)?$/i.test(name)) {
    throw new AppError("denied", `"${path}" is a store of the runtime, not a file to be sent`, { reason: "own_store" });
  }
  try {
    const root = await Deno.realPath(folder);
    const wanted = `${root}/${parts.join("/")}`;
    if (await Deno.realPath(wanted) !== wanted) throw newOutside(path);
    using file = await Deno.open(wanted, { read: true });
    const [opened, named] = await Promise.all([file.stat(), Deno.lstat(wanted)]);
    // Somebody may have put another file there since it was looked at.
    if (opened.ino !== named.ino || opened.dev !== named.dev) throw newOutside(path);
    if (!opened.isFile) throw new AppError("invalid", `"${path}" is no file`);
    if (opened.size > maxBytes) {
      throw new AppError("invalid", `"${path}" has ${opened.size} bytes; at most ${maxBytes} are sent`, {
        reason: "too_large",
      });
    }
    return { name, mimeType: toMimeType(name), bytes: await readAll(file, opened.size) };
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.kind === "missing") throw new AppError("missing", `There is no file "${path}" in your folder`);
    throw error;
  }
}

/** Reads `sizeBytes`, also of a file that grows meanwhile. */
async function readAll(file: Deno.FsFile, sizeBytes: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  let read = 0;
  while (read < sizeBytes) {
    const more = await file.read(bytes.subarray(read));
    if (more === null) break;
    read += more;
  }
  return bytes.subarray(0, read);
}

function newOutside(path: string): AppError {
  return new AppError("denied", `"${path}" is not in your own folder; links and ".." are not followed`, {
    reason: "outside_folder",
  });
}
