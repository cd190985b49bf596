import { AppError } from "../core/error.ts";
import type { Attachment } from "../core/message.ts";

/**
 * An image that a client hands in with its message.
 *
 * @param url `data:image/…;base64,…`
 * @throws {AppError} `invalid` for any other URL: nothing is fetched for a client.
 */
export function toImage(url: string): Attachment {
  const mimeType = url.slice(0, 200).match(/^data:(image\/[a-z0-9.+-]+);base64,/i)?.[1];
  if (mimeType === undefined) {
    throw new AppError("invalid", "An image: send it itself, as a data:image/…;base64, URL", {
      reason: "image_not_inline",
    });
  }
  const base64 = url.slice(url.indexOf(",") + 1);
  return { kind: "image", mimeType, sizeBytes: Math.floor(base64.replace(/=+$/, "").length * 3 / 4), ref: url };
}
