import type { MessageStructureObject } from "imapflow";
import { AppError } from "../../src/core/error.ts";
import type { Attachment, MediaFile } from "../../src/core/message.ts";
import type { MediaFolder } from "../../src/sdk/media_folder.ts";
import type { FetchedMail } from "./fetched_mail.ts";
import { connectImap, type ImapAccess, toImapError } from "./imap.ts";
import { toLine } from "./mail.ts";

/** Attachments of one mail that an agent is told of. */
const maxAttachments = 50;

/** The parts of a mail that are files. Their bytes stay on the server. */
export function toAttachments({ structure, uid, uidValidity }: FetchedMail): readonly Attachment[] {
  if (structure === undefined) return [];
  return listLeaves(structure).filter(isFile).slice(0, maxAttachments).map((leaf): Attachment => {
    const mimeType = toMimeType(leaf.type);
    const name = leaf.dispositionParameters?.["filename"] ?? leaf.parameters?.["name"];
    return {
      kind: toKind(mimeType),
      mimeType,
      ...(name === undefined ? {} : { name: toLine(name).slice(0, 300) }),
      ref: `${uidValidity} ${uid} ${leaf.part ?? "1"} ${mimeType}`,
    };
  });
}

/** What fetching an attachment needs. */
export interface AttachmentDeps {
  readonly access: ImapAccess;
  readonly mailbox: string;
  readonly media: MediaFolder;
}

/**
 * Downloads the part of a mail that `ref` names.
 *
 * @throws {AppError} `invalid` when it is larger than `maxBytes`; `missing` when the mail is gone; `unavailable`.
 */
export async function fetchAttachment(
  { access, mailbox, media }: AttachmentDeps,
  ref: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<MediaFile> {
  const [, uidValidity = "", uid = "", part = "", mimeType = ""] = /^(\d+) (\d+) ([\d.]+) (\S+)$/.exec(ref) ?? [];
  if (mimeType === "") throw new AppError("missing", `"${ref.slice(0, 100)}" is no attachment of this account`);
  using connection = await connectImap(access, signal);
  const { client } = connection;
  try {
    const box = await client.mailboxOpen(mailbox, { readOnly: true });
    if (String(box.uidValidity) !== uidValidity) throw newGone();
    const { content } = await client.download(uid, part, { uid: true, decodeText: false });
    if (content === undefined) throw newGone();
    return { ...await media.save(content, { maxBytes, extension: "" }), mimeType };
  } catch (thrown) {
    throw toImapError(thrown, access.server);
  }
}

function newGone(): AppError {
  return new AppError("missing", "The mail with this attachment is not in its folder any more");
}

function listLeaves(structure: MessageStructureObject): MessageStructureObject[] {
  const leaves: MessageStructureObject[] = [];
  const open = [structure];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    // A forwarded mail is one file, not its parts.
    if (node.childNodes === undefined || node.type === "message/rfc822") leaves.push(node);
    else open.push(...node.childNodes.toReversed());
  }
  return leaves;
}

function isFile({ type, disposition, dispositionParameters, parameters }: MessageStructureObject): boolean {
  if (disposition === "attachment" || dispositionParameters?.["filename"] !== undefined) return true;
  const isText = type === "text/plain" || type === "text/html";
  return parameters?.["name"] !== undefined || !isText && !type.startsWith("multipart/");
}

function toMimeType(type: string): string {
  return /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,120}$/.test(type) ? type : "application/octet-stream";
}

function toKind(mimeType: string): Attachment["kind"] {
  const [family] = mimeType.split("/");
  return family === "image" || family === "audio" || family === "video" ? family : "document";
}
