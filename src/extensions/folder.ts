import { AppError } from "../core/error.ts";

/** One file of an extension. `path` is relative to its folder, with `/`. */
export interface FolderFile {
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: number;
}

/** Larger ones are no extensions but a folder that happens to hold one. */
const maxFiles = 2_000;
const maxBytes = 50 * 1_048_576;
/** What editors and version control leave behind is no part of an extension. */
const ignored = /^(\.git|\.DS_Store|node_modules|.*~|\..*\.sw.)$/;

/**
 * Every file of the folder, sorted.
 *
 * @throws {AppError} `invalid` for a link, which could lead anywhere, and for a folder that is too large.
 */
export async function listFiles(folder: string): Promise<readonly FolderFile[]> {
  const files: FolderFile[] = [];
  let bytes = 0;
  const walk = async (prefix: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${folder}/${prefix}`)) {
      if (ignored.test(entry.name)) continue;
      const path = `${prefix}${entry.name}`;
      if (entry.isDirectory) {
        await walk(`${path}/`);
        continue;
      }
      if (!entry.isFile) throw new AppError("invalid", `${folder}/${path} is no file: an extension holds no links`);
      const { size, mode } = await Deno.lstat(`${folder}/${path}`);
      bytes += size;
      files.push({ path, bytes: size, executable: ((mode ?? 0) & 0o100) !== 0 });
      if (files.length > maxFiles || bytes > maxBytes) {
        throw new AppError("invalid", `${folder} is too large: at most ${maxFiles} files and ${maxBytes} bytes`);
      }
    }
  };
  await walk("");
  return files.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** SHA-256 over every file's name, kind and content: any change of any byte changes it. */
export async function hashFolder(folder: string): Promise<string> {
  const lines: string[] = [];
  for (const { path, executable } of await listFiles(folder)) {
    const content = await toSha256(await Deno.readFile(`${folder}/${path}`));
    lines.push(JSON.stringify([path, executable, content]));
  }
  return await toSha256(new TextEncoder().encode(lines.join("\n")));
}

/** SHA-256 in hexadecimal digits. */
export async function toSha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
