import { AppError } from "../core/error.ts";
import { lstatIfThere } from "./files.ts";
import { isInnerPath, toInnerPath } from "./path.ts";

/** A file of a {@linkcode Folder}. */
export interface FolderFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Changes with the file's content. */
  readonly stamp: string;
  readonly modifiedMs: number;
}

/** What a look through a {@linkcode Folder} found. */
export interface FolderListing {
  readonly files: readonly FolderFile[];
  /** Paths of links and other things that are not followed, and of names that are not taken. */
  readonly strange: readonly string[];
}

/** A folder that nothing leads out of: no path, no symbolic link, no hard link. */
export interface Folder {
  /**
   * Bytes of a file; `undefined` where there is none.
   *
   * @throws {AppError} `denied` for a path or link that leads elsewhere; `invalid` for a file larger than `maxBytes`.
   */
  read(path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Replaces a file at once and as a whole, making the folders on the way. @throws {AppError} like {@linkcode Folder.read} */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Finds out whether a path may be written. @throws {AppError} what {@linkcode Folder.write} would throw */
  probe(path: string): Promise<void>;
  /** Removes a file; one that is not there is no fault. @throws {AppError} like {@linkcode Folder.read} */
  remove(path: string): Promise<void>;
  /** Every file, at most `bound` of them, hidden ones left out. `below`: only those in a folder, such as `notes/`. */
  list(bound: number, below?: string): Promise<FolderListing>;
}

/** What a write leaves behind when the process is killed in it. */
const temporary = /^\.nexo-[0-9a-f-]{36}\.tmp$/;

/**
 * Makes a {@linkcode Folder} of an existing folder.
 *
 * @throws {AppError} `missing` where it is not there.
 */
export async function openFolder(folder: string): Promise<Folder> {
  const root = await Deno.realPath(folder);

  const toFull = (path: string) => `${root}/${toInnerPath(path)}`;

  /** The way to `full` must be what it says: no link on it leads elsewhere. */
  const requireHere = async (full: string, opened: Deno.FileInfo) => {
    const real = await Deno.realPath(full);
    const there = await Deno.lstat(real);
    // Compared after the opening: whoever exchanges a folder for a link meanwhile gets nothing.
    if (real !== full || there.dev !== opened.dev || there.ino !== opened.ino) throw newLinkError(full, root);
  };

  /** What stands on the way to `full` must be folders, as far as there is anything. */
  const requireWay = async (full: string): Promise<void> => {
    for (let at = full.indexOf("/", root.length + 1); at >= 0; at = full.indexOf("/", at + 1)) {
      const place = full.slice(0, at);
      const info = await lstatIfThere(place);
      if (info === undefined) return;
      if (info.isSymlink) throw newLinkError(place, root);
      if (!info.isDirectory) throw newNotOneError(place, root, "folder");
    }
  };

  const look = async (full: string): Promise<Deno.FileInfo | undefined> => {
    await requireWay(full);
    const info = await lstatIfThere(full);
    if (info === undefined) return undefined;
    if (info.isSymlink || (info.isFile && (info.nlink ?? 1) > 1)) throw newLinkError(full, root);
    if (!info.isFile) throw newNotOneError(full, root, "file");
    return info;
  };

  /** Makes the folders on the way to `full`, one by one, following no link. */
  const makeWay = async (full: string) => {
    const names = full.slice(root.length + 1).split("/").slice(0, -1);
    let place = root;
    for (const name of names) {
      place = `${place}/${name}`;
      try {
        await Deno.mkdir(place, { mode: 0o700 });
      } catch (thrown) {
        if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
        if (!(await Deno.lstat(place)).isDirectory) throw newLinkError(place, root);
      }
    }
    return place;
  };

  return {
    async read(path, maxBytes) {
      const full = toFull(path);
      // Before the opening too: opening a pipe would wait for its other end.
      if (await look(full) === undefined) return undefined;
      using file = await Deno.open(full);
      const info = await file.stat();
      await requireHere(full, info);
      if (info.size > maxBytes) {
        throw new AppError("invalid", `${path} is larger than ${maxBytes} bytes`, { reason: "too_large" });
      }
      const bytes = new Uint8Array(info.size);
      let filled = 0;
      while (filled < bytes.length) {
        const count = await file.read(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    },

    async write(path, bytes) {
      const full = toFull(path);
      await look(full);
      const place = await makeWay(full);
      const draft = `${place}/.nexo-${crypto.randomUUID()}.tmp`;
      {
        using file = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
        try {
          await requireHere(draft, await file.stat());
          await writeAll(file, bytes);
        } catch (thrown) {
          await Deno.remove(draft);
          throw thrown;
        }
      }
      // Exchanges a link that came meanwhile for the file, and follows none.
      await Deno.rename(draft, full);
    },

    async probe(path) {
      await look(toFull(path));
    },

    async remove(path) {
      const full = toFull(path);
      const info = await look(full);
      if (info === undefined) return;
      await requireHere(full, info);
      await Deno.remove(full);
    },

    async list(bound, below = "") {
      const files: FolderFile[] = [];
      const strange: string[] = [];
      const walk = async (prefix: string): Promise<void> => {
        for await (const { name } of Deno.readDir(`${root}/${prefix}`)) {
          if (files.length >= bound) return;
          if (name.startsWith(".")) continue;
          const path = `${prefix}${name}`;
          const info = await Deno.lstat(`${root}/${path}`);
          if (!isInnerPath(path) || info.isSymlink || (info.isFile && (info.nlink ?? 1) > 1)) strange.push(path);
          else if (info.isDirectory) await walk(`${path}/`);
          else if (!info.isFile) strange.push(path);
          else {
            const modifiedMs = info.mtime?.getTime() ?? 0;
            const stamp = [info.ino, info.size, modifiedMs, info.ctime?.getTime()].join(":");
            files.push({ path, sizeBytes: info.size, stamp, modifiedMs });
          }
        }
      };
      if (below !== "") {
        const inner = `${root}/${toInnerPath(below.replace(/\/$/, ""))}`;
        await requireHere(inner, await Deno.lstat(inner));
      }
      await walk(below);
      return { files: files.toSorted((one, other) => one.path < other.path ? -1 : 1), strange };
    },
  };
}

/** Removes what writes into the folder left behind when the process was killed in them. */
export async function clearDrafts(folder: string): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile && temporary.test(entry.name)) await Deno.remove(path);
    else if (entry.isDirectory && !entry.name.startsWith(".")) await clearDrafts(path);
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await file.syncData();
}

function newNotOneError(full: string, root: string, what: "file" | "folder"): AppError {
  return new AppError("invalid", `${full.slice(root.length + 1)} is there and is no ${what}`, { reason: `no_${what}` });
}

function newLinkError(full: string, root: string): AppError {
  const path = full.slice(root.length + 1);
  return new AppError("denied", `Cannot use ${path}: it is a link, or lies behind one. Put the file itself there`, {
    reason: "link",
  });
}
