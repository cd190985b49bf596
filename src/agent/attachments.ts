import type { AgentConfig } from "../config/agents.ts";
import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { Attachment } from "../core/message.ts";
import type { Call } from "../core/topic.ts";
import { calls, largestPieceBytes } from "../core/topics.ts";
import { listNames, lstatIfThere, removeIfThere } from "../folder/files.ts";
import { defaultRetryPolicy, retry } from "../resilience/retry.ts";

/** An attachment in its agent's folder. */
export interface KeptAttachment {
  /** In the agent's folder: what its tools take. */
  readonly path: string;
  readonly fullPath: string;
  readonly sizeBytes: number;
}

/** Where an attachment came from, and whose it is now. */
export interface AttachmentOrigin {
  readonly agent: AgentConfig;
  readonly sessionId: string;
  readonly plugin: string;
  readonly instance: string;
}

/** Puts what people send into agents' folders, and takes it away when it is old. */
export interface AttachmentKeeper {
  /**
   * Fetches an attachment into `data/agents/<id>/attachments`, once.
   *
   * @throws {AppError} `invalid` when it is larger than the agent takes; what the plugin says.
   */
  keep(attachment: Attachment, origin: AttachmentOrigin, signal: AbortSignal): Promise<KeptAttachment>;
}

/** Servers that take less in one message cannot carry files. */
const smallestPieceBytes = 4_096;
const sweepEveryMs = 3_600_000;

/** Makes the {@linkcode AttachmentKeeper} of the data folder `stateDir`. */
export function newAttachmentKeeper(
  { bus, clock, stateDir }: { readonly bus: Bus; readonly clock: Clock; readonly stateDir: string },
): AttachmentKeeper {
  const sweptAt = new Map<string, number>();

  async function* fetchPieces(
    { plugin, instance }: AttachmentOrigin,
    ref: string,
    maxBytes: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    // The answer waits for it, so it is tried for seconds, not minutes.
    const policy = { ...defaultRetryPolicy, maxBackoffMs: 5_000 };
    const ask = <I, O>(call: Call<I, O>, input: I): Promise<O> =>
      retry(() => bus.request(call, input, { signal }), policy, { clock, signal });
    const file = await ask(calls.fetch(plugin, instance), { ref, maxBytes });
    if (file.sizeBytes > maxBytes) throw new AppError("invalid", `it is larger than ${maxBytes} bytes`);
    // In pieces, as the plugin may run in another process, and what travels between processes has a largest size.
    for (let offset = 0, pieceBytes = largestPieceBytes; offset < file.sizeBytes;) {
      try {
        const { base64 } = await ask(calls.read(plugin, instance), { path: file.path, offset, maxBytes: pieceBytes });
        const piece = Uint8Array.fromBase64(base64);
        if (piece.length === 0 || piece.length > file.sizeBytes - offset) {
          throw new AppError("unavailable", "it changed while it was read");
        }
        offset += piece.length;
        yield piece;
      } catch (thrown) {
        const { reason } = toAppError(thrown);
        if (reason !== "too_large" || pieceBytes <= smallestPieceBytes) throw thrown;
        pieceBytes /= 2;
      }
    }
  }

  async function sweep(folder: string, keepMs: number): Promise<void> {
    const nowMs = clock.now();
    if (nowMs - (sweptAt.get(folder) ?? 0) < sweepEveryMs) return;
    sweptAt.set(folder, nowMs);
    for (const name of await listNames(folder)) {
      const path = `${folder}/${name}`;
      // It may have gone since: another turn has finished it, or its sender is forgotten.
      const mtime = (await lstatIfThere(path))?.mtime;
      if (mtime && mtime.getTime() < nowMs - keepMs) await removeIfThere(path);
    }
  }

  return {
    async keep(attachment, origin, signal) {
      const { agent, sessionId } = origin;
      const { max_attachment_bytes, keep_attachments } = agent.config;
      const root = `${stateDir}/agents/${agent.id}`;
      const path = `attachments/${await toFileName(attachment, sessionId)}`;
      const fullPath = `${root}/${path}`;
      await Deno.mkdir(`${root}/attachments`, { recursive: true, mode: 0o700 });
      await sweep(`${root}/attachments`, keep_attachments);
      // A turn that resumes has it already.
      const known = await lstatIfThere(fullPath);
      if (known !== undefined) return { path, fullPath, sizeBytes: known.size };
      const unfinished = `${fullPath}.${crypto.randomUUID()}.part`;
      try {
        const pieces = fetchPieces(origin, attachment.ref, max_attachment_bytes, signal);
        const sizeBytes = await write(unfinished, pieces);
        await Deno.rename(unfinished, fullPath);
        return { path, fullPath, sizeBytes };
      } catch (thrown) {
        await removeIfThere(unfinished);
        throw thrown;
      }
    },
  };
}

/** The same for the same attachment of a session: two of one name lie beside each other. */
async function toFileName({ ref, name, kind }: Attachment, sessionId: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${sessionId} ${ref}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 12);
  const plain = (name ?? kind).normalize("NFC").replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^[._]+/, "").slice(-40);
  return `${digest}-${plain || kind}`;
}

/** Gives how many bytes there were. */
async function write(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  let sizeBytes = 0;
  for await (const piece of pieces) {
    sizeBytes += piece.length;
    for (let written = 0; written < piece.length;) written += await file.write(piece.subarray(written));
  }
  return sizeBytes;
}
