import { AppError, toAppError } from "../../src/core/error.ts";
import type { MediaFile } from "../../src/core/message.ts";
import { type MediaFolder, openMediaFolder } from "../../src/sdk/media_folder.ts";
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

/** Opens the folder `folder` for files. */
export async function openMedia(api: BotApi, folder: string): Promise<Media> {
  const files = await openMediaFolder(folder);
  return {
    async fetch(ref, maxBytes, signal) {
      const { fileId, mimeType } = parseFileRef(ref);
      const info = await api.ask(
        "getFile",
        signal,
        (methods, bounded) => methods.getFile({ file_id: fileId }, bounded),
      );
      if ((info.file_size ?? 0) > maxBytes) throw newTooLarge(maxBytes);
      if (info.file_path === undefined) throw new AppError("missing", "Telegram does not give out this file");
      const response = await api.download(info.file_path, signal);
      return { ...await save(files, response, maxBytes, toExtension(info.file_path)), mimeType };
    },
  };
}

/** @throws {AppError} without the address of the file. */
async function save(folder: MediaFolder, response: Response, maxBytes: number, extension: string) {
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new AppError("unavailable", `The file server of Telegram answered ${response.status}`);
  }
  try {
    return await folder.save(response.body, { maxBytes, extension });
  } catch (thrown) {
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
