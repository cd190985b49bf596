import fs from "node:fs/promises";

/**
 * The file system as isomorphic-git wants it. Its own writes go straight into the file, so that a process killed in
 * one leaves half an object under the name of the whole: here every file appears at once.
 */
export const gitFiles = {
  promises: {
    ...fs,
    async writeFile(path: string, data: string | Uint8Array): Promise<void> {
      const draft = `${path}.${crypto.randomUUID()}.tmp`;
      {
        using file = await Deno.open(draft, { write: true, createNew: true, mode: 0o600 });
        const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
        for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
        // A commit must not survive a power cut that its objects do not.
        await file.syncData();
      }
      await Deno.rename(draft, path);
    },
  },
} as const;
