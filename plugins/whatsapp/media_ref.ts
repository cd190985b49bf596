import type { proto } from "baileys";
import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Attachment } from "../../src/core/message.ts";

/** Kinds of files, each with keys of its own. */
const keyKinds = ["Image", "Audio", "Video", "Document"] as const;

const base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64")));

const refSchema = z.tuple([
  z.enum(keyKinds),
  // A path of WhatsApp's own servers, never an address: it comes from whoever sent the message.
  z.string().regex(/^\/[^/\\]/),
  base64,
  base64,
  z.string(),
]);

/** Where a file lies, and how it is decrypted. */
export interface MediaRef {
  readonly keyKind: typeof keyKinds[number];
  /** Path on WhatsApp's media servers. */
  readonly directPath: string;
  readonly mediaKey: Uint8Array;
  /** SHA-256 of the decrypted file. */
  readonly sha256: Uint8Array;
  readonly mimeType: string;
}

/** The handle under which an attachment is fetched. */
function toMediaRef({ keyKind, directPath, mediaKey, sha256, mimeType }: MediaRef): string {
  const [key, hash] = [mediaKey, sha256].map((bytes) => Buffer.from(bytes).toString("base64"));
  return JSON.stringify([keyKind, directPath, key, hash, mimeType]);
}

/** Reads a handle of {@linkcode toMediaRef} back; `undefined` for anything else. */
export function parseMediaRef(ref: string): MediaRef | undefined {
  const parsed = refSchema.safeParse(toJson(ref));
  if (!parsed.success) return undefined;
  const [keyKind, directPath, mediaKey, sha256, mimeType] = parsed.data;
  return { keyKind, directPath, mediaKey, sha256, mimeType };
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

/** The file that came with a message, where there is one that can be fetched. */
export function toAttachments(content: proto.IMessage): Attachment[] {
  const { imageMessage, stickerMessage, audioMessage, videoMessage, ptvMessage, documentMessage } = content;
  const name = documentMessage?.fileName ?? undefined;
  const isImage = documentMessage?.mimetype?.startsWith("image/") ?? false;
  return [
    ...toAttachment("image", "Image", imageMessage, "image/jpeg"),
    ...toAttachment("image", "Image", stickerMessage, "image/webp"),
    ...toAttachment("audio", "Audio", audioMessage, "audio/ogg"),
    ...toAttachment("video", "Video", videoMessage ?? ptvMessage, "video/mp4"),
    ...toAttachment(isImage ? "image" : "document", "Document", documentMessage, "application/octet-stream", name),
  ];
}

type FileMessage = Pick<
  proto.Message.IDocumentMessage,
  "directPath" | "mediaKey" | "fileSha256" | "mimetype" | "fileLength"
>;

function toAttachment(
  kind: Attachment["kind"],
  keyKind: MediaRef["keyKind"],
  file: FileMessage | null | undefined,
  defaultType: string,
  name?: string,
): Attachment[] {
  const { directPath, mediaKey, fileSha256, fileLength } = file ?? {};
  if (!file || !directPath || !mediaKey || !fileSha256) return [];
  const mimeType = (file.mimetype ?? defaultType).slice(0, 200);
  const sizeBytes = Number(fileLength ?? 0);
  return [{
    kind,
    mimeType,
    ...(name === undefined ? {} : { name: name.slice(0, 500) }),
    ...(Number.isSafeInteger(sizeBytes) && sizeBytes > 0 ? { sizeBytes } : {}),
    ref: toMediaRef({ keyKind, directPath, mediaKey, sha256: fileSha256, mimeType }),
  }];
}
