import { AppError, toAppError } from "../../src/core/error.ts";
import type { MediaFile } from "../../src/core/message.ts";
import type { BotApi } from "./api.ts";
import { parseFileRef } from "./inbound.ts";

/** Attachments of one bot, fetched when somebody asks for them. */
export interface Media {
  /**
   * Downloads the file of an attachment.
   *
   * @throws {AppError} `invalid` when it is larger than `maxBytes`; `missing` when Telegram does not have it any more.
   */
  fetch(ref: string, maxBytes: number, signal: AbortSignal): Promise<MediaFile>;
}

/** A file is read in the turn that fetched it. */
const keepMs = 3_600_000;

/** Opens the folder `folder` for files. */
export async function openMedia(api: BotApi, folder: string): Promise<Media> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await sweep(folder);
  return {
    async fetch(ref, maxBytes, signal) {
      await sweep(folder);
      const { fileId, mimeType } = parseFileRef(ref);
      const info = await api.ask(
        "getFile",
        signal,
        (methods, bounded) => methods.getFile({ file_id: fileId }, bounded),
      );
      if ((info.file_size ?? 0) > maxBytes) throw newTooLarge(maxBytes);
      if (info.file_path === undefined) throw new AppError("missing", "Telegram does not give out this file");
      const response = await api.download(info.file_path, signal);
      const path = `${folder}/${crypto.randomUUID()}${toExtension(info.file_path)}`;
      return { path, mimeType, sizeBytes: await save(response, path, maxBytes) };
    },
  };
}

async function sweep(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const mtime = await unlessGone(Deno.stat(path).then((info) => info.mtime));
    if (mtime && mtime.getTime() < Date.now() - keepMs) await unlessGone(Deno.remove(path));
  }
}

/** Another fetch may have swept the file away meanwhile. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

/** Writes the body to `path` and gives its size. Leaves no file behind when it fails. */
async function save(response: Response, path: string, maxBytes: number): Promise<number> {
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new AppError("unavailable", `The file server of Telegram answered ${response.status}`);
  }
  let sizeBytes = 0;
  const bounded = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) throw newTooLarge(maxBytes);
        controller.enqueue(chunk);
      },
    }),
  );
  try {
    await Deno.writeFile(path, bounded, { createNew: true, mode: 0o600 });
    return sizeBytes;
  } catch (thrown) {
    await unlessGone(Deno.remove(path));
    throw thrown instanceof AppError ? thrown : withoutAddress(thrown);
  }
}

/** A broken download may name its address, which holds the token. */
function withoutAddress(thrown: unknown): AppError {
  const { kind } = toAppError(thrown);
  return new AppError(kind === "bug" ? "unavailable" : kind, "The download from Telegram broke off");
}

function newTooLarge(maxBytes: number): AppError {
  return new AppError("invalid", `The file is larger than ${maxBytes} bytes`, { reason: "too_large" });
}

function toExtension(path: string): string {
  return /\.[A-Za-z0-9]{1,8}$/.exec(path)?.[0].toLowerCase() ?? "";
}
