import fs from "node:fs/promises";

/** The file system as isomorphic-git wants it, for one `.git` folder. */
export type GitFiles = Awaited<ReturnType<typeof openGitFiles>>;

/**
 * Opens the files of a `.git` folder. The library writes straight into a file, so that a process killed in a write
 * would leave half an object under the name of the whole: here every file appears at once.
 */
export async function openGitFiles(folder: string) {
  const drafts = `${folder}/nexo-drafts`;
  // What killed writes left behind.
  await fs.rm(drafts, { recursive: true, force: true });
  await fs.mkdir(drafts, { recursive: true, mode: 0o700 });

  const writeFile = async (path: string, data: string | Uint8Array): Promise<void> => {
    const draft = `${drafts}/${crypto.randomUUID()}`;
    {
      using file = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      // A commit must not survive a power cut that its objects do not.
      await file.syncData();
    }
    await Deno.rename(draft, path);
  };
  return { promises: { ...fs, writeFile } };
}
