import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { LlmUserPart } from "../core/llm.ts";
import type { Attachment } from "../core/message.ts";
import type { Call } from "../core/topic.ts";
import { calls, largestPieceBytes } from "../core/topics.ts";
import { defaultRetryPolicy, retry } from "../resilience/retry.ts";

/** What a model is shown of an attachment. */
export interface ShownAttachment {
  readonly image: LlmUserPart | undefined;
  /** A line that names the file, or says why it is not shown. */
  readonly note: string;
}

/**
 * Fetches an image for the model, now that its message cannot be lost. What cannot be fetched is named instead: the
 * person gets an answer either way.
 */
export async function showAttachment(
  attachment: Attachment,
  options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly plugin: string;
    readonly instance: string;
    readonly seesImages: boolean;
    readonly maxBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<ShownAttachment> {
  const label = `${attachment.kind} ${attachment.name ?? ""} (${attachment.mimeType})`.replace(/\s+/g, " ");
  if (attachment.kind !== "image") return { image: undefined, note: `[${label} attached; it cannot be read here]` };
  if (!options.seesImages) return { image: undefined, note: `[${label} attached; the model in use cannot see images]` };
  try {
    const data = attachment.ref.startsWith("data:")
      ? await readDataUrl(attachment.ref, options.maxBytes)
      : await fetchFile(attachment.ref, options);
    return { image: { type: "image", mimeType: attachment.mimeType, data }, note: "" };
  } catch (thrown) {
    options.signal.throwIfAborted();
    return { image: undefined, note: `[${label} attached; it could not be fetched: ${toAppError(thrown).message}]` };
  }
}

/** Servers that take less in one message cannot carry files. */
const smallestPieceBytes = 4_096;

async function fetchFile(
  ref: string,
  { bus, clock, plugin, instance, maxBytes, signal }: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly plugin: string;
    readonly instance: string;
    readonly maxBytes: number;
    readonly signal: AbortSignal;
  },
): Promise<Uint8Array> {
  // The answer waits for it, so it is tried for seconds, not minutes.
  const policy = { ...defaultRetryPolicy, maxBackoffMs: 5_000 };
  const ask = <I, O>(call: Call<I, O>, input: I): Promise<O> =>
    retry(() => bus.request(call, input, { signal }), policy, { clock, signal });
  const file = await ask(calls.fetch(plugin, instance), { ref, maxBytes });
  if (file.sizeBytes > maxBytes) throw new AppError("invalid", `it is larger than ${maxBytes} bytes`);
  // In pieces, as the plugin may run in another process, and what travels between processes has a largest size.
  const bytes = new Uint8Array(file.sizeBytes);
  for (let offset = 0, pieceBytes = largestPieceBytes; offset < bytes.length;) {
    try {
      const { base64 } = await ask(calls.read(plugin, instance), { path: file.path, offset, maxBytes: pieceBytes });
      const piece = Uint8Array.fromBase64(base64);
      if (piece.length === 0 || piece.length > bytes.length - offset) {
        throw new AppError("unavailable", "it changed while it was read");
      }
      bytes.set(piece, offset);
      offset += piece.length;
    } catch (thrown) {
      const { reason } = toAppError(thrown);
      if (reason !== "too_large" || pieceBytes <= smallestPieceBytes) throw thrown;
      pieceBytes /= 2;
    }
  }
  return bytes;
}

async function readDataUrl(url: string, maxBytes: number): Promise<Uint8Array> {
  if (url.length > maxBytes * 1.4) throw new AppError("invalid", `it is larger than ${maxBytes} bytes`);
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  if (bytes.length > maxBytes) throw new AppError("invalid", `it is larger than ${maxBytes} bytes`);
  return bytes;
}
