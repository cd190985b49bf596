import { AppError } from "../core/error.ts";

/** Files on their way out through one instance. */
export interface Outgoing {
  /** Puts a piece where it belongs. Gives how many bytes of the file are on disk. */
  add(
    piece: { readonly sha256: string; readonly offset: number; readonly base64: string },
  ): Promise<{ sizeBytes: number }>;
}

/** A dead letter may be replayed for so long. */
const keepMs = 8 * 86_400_000;
/** Largest file, bytes. */
export const maxFileBytes = 25_000_000;

/** Makes the {@linkcode Outgoing} of the folder `folder`. Files are named by their content, so a piece may come twice. */
export function newOutgoing(folder: string): Outgoing {
  return {
    async add({ sha256, offset, base64 }) {
      const bytes = Uint8Array.fromBase64(base64);
      if (offset + bytes.length > maxFileBytes) {
        throw new AppError("invalid", `A file of more than ${maxFileBytes} bytes is not sent`, { reason: "too_large" });
      }
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      if (offset === 0) await sweep(folder);
      using file = await Deno.open(`${folder}/${sha256}`, { create: true, read: true, write: true, mode: 0o600 });
      await file.seek(offset, Deno.SeekMode.Start);
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      await file.sync();
      return { sizeBytes: (await file.stat()).size };
    },
  };
}

async function sweep(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const { mtime } = await Deno.stat(`${folder}/${name}`);
    if (mtime !== null && mtime.getTime() < Date.now() - keepMs) await Deno.remove(`${folder}/${name}`);
  }
}
