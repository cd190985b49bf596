import { AppError, toAppError } from "../core/error.ts";
import { openFolder } from "../folder/folder.ts";
import { toMimeType } from "../lib/mime_type.ts";

/** A file of an agent, read. */
export interface AgentFile {
  readonly name: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Folder in the agent's own one whose files may be named without it. */
const workspace = "workspace";

/**
 * Reads a file of an agent's own folder, `data/agents/<id>`.
 *
 * @throws {AppError} `denied` for a path or link that leads elsewhere; `missing`; `invalid` for what is larger than
 * `maxBytes`.
 */
export async function readAgentFile(agentFolder: string, path: string, maxBytes: number): Promise<AgentFile> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // Memories and the like, of everybody that the agent knows.
  if (/\.db(-wal|-shm|-journal)?$/i.test(name)) {
    throw new AppError("denied", `"${path}" is a store of the runtime, not a file to be sent`, { reason: "own_store" });
  }
  const bytes = await read(agentFolder, path, maxBytes);
  if (bytes === undefined) throw new AppError("missing", `There is no file "${path}" in your own folder`);
  return { name, mimeType: toMimeType(name), bytes };
}

async function read(agentFolder: string, path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const folder = await openFolder(agentFolder);
    return await folder.read(path, maxBytes) ?? await folder.read(`${workspace}/${path}`, maxBytes);
  } catch (thrown) {
    const { kind, reason, message } = toAppError(thrown);
    if (kind === "missing") return undefined;
    if (kind !== "denied") throw thrown;
    throw new AppError("denied", `"${path}" is not in your own folder: ${message}`, {
      ...(reason === undefined ? {} : { reason }),
    });
  }
}
