import type { AgentConfig } from "../config/agents.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { LlmUserPart } from "../core/llm.ts";
import type { Attachment } from "../core/message.ts";
import type { AttachmentKeeper, KeptAttachment } from "./attachments.ts";

/** What a model is shown of an attachment. */
export interface ShownAttachment {
  readonly image: LlmUserPart | undefined;
  /** A line that names the file, or says why it is not shown. */
  readonly note: string;
  /** Where it lies in the agent's folder, where it does. */
  readonly path?: string;
}

/** What showing attachments of a turn needs. */
export interface ShowOptions {
  readonly keeper: AttachmentKeeper;
  readonly agent: AgentConfig;
  readonly sessionId: string;
  readonly plugin: string;
  readonly instance: string;
  readonly seesImages: boolean;
  readonly signal: AbortSignal;
}

/**
 * Fetches an attachment into the agent's folder, now that its message cannot be lost, and shows it to the model where that
 * can see it. What cannot be fetched is named instead: the person gets an answer either way.
 */
export async function showAttachment(attachment: Attachment, options: ShowOptions): Promise<ShownAttachment> {
  const { signal } = options;
  const label = `${attachment.kind} ${attachment.name ?? ""} (${attachment.mimeType})`.replace(/\s+/g, " ");
  try {
    if (attachment.ref.startsWith("data:")) return await showDataUrl(attachment, label, options);
    const kept = await options.keeper.keep(attachment, options, signal);
    const reason = findReason(attachment, kept.sizeBytes, options);
    const { path } = kept;
    if (reason === undefined) return { image: await toImage(attachment, kept), note: "", path };
    return { image: undefined, note: `[${label} attached; ${reason}it lies in your folder as ${path}]`, path };
  } catch (thrown) {
    signal.throwIfAborted();
    return { image: undefined, note: `[${label} attached; it could not be fetched: ${toAppError(thrown).message}]` };
  }
}

/** Why the model is not shown the file itself, with the word that follows; `undefined` where it is. */
function findReason({ kind }: Attachment, sizeBytes: number, { agent, seesImages }: ShowOptions): string | undefined {
  if (kind !== "image") return "";
  if (!seesImages) return "the model in use cannot see images; ";
  const { max_image_bytes } = agent.config;
  return sizeBytes > max_image_bytes ? `it is larger than the ${max_image_bytes} bytes that are shown; ` : undefined;
}

async function toImage({ mimeType }: Attachment, { fullPath }: KeptAttachment): Promise<LlmUserPart> {
  return { type: "image", mimeType, data: await Deno.readFile(fullPath) };
}

/** A file that stands in the message itself stays there. */
async function showDataUrl(
  { kind, mimeType, ref }: Attachment,
  label: string,
  { agent, seesImages }: ShowOptions,
): Promise<ShownAttachment> {
  if (kind !== "image") return { image: undefined, note: `[${label} attached; it cannot be read here]` };
  if (!seesImages) return { image: undefined, note: `[${label} attached; the model in use cannot see images]` };
  const data = await readDataUrl(ref, agent.config.max_image_bytes);
  return { image: { type: "image", mimeType, data }, note: "" };
}

async function readDataUrl(url: string, maxBytes: number): Promise<Uint8Array> {
  if (url.length > maxBytes * 1.4) throw new AppError("invalid", `it is larger than ${maxBytes} bytes`);
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  if (bytes.length > maxBytes) throw new AppError("invalid", `it is larger than ${maxBytes} bytes`);
  return bytes;
}
