import type { CallToolResult, ContentBlock, GetPromptResult, ReadResourceResult } from "@modelcontextprotocol/client";
import type { ToolContent, ToolResult } from "../core/tool.ts";

/** Longest text of one result, characters, all its parts together. */
const textBound = 200_000;
/** Largest image that a model is shown, characters of base64: five megabytes. */
const imageBound = 7_000_000;
const imageTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const partBound = 200;

/** What a server answered to a call, as the model gets it: texts, images and data stay what they are. */
export function toToolResult(result: CallToolResult): ToolResult {
  const parts = result.content.slice(0, partBound).map(toContent);
  const { structuredContent } = result;
  const data = structuredContent === undefined ? [] : [{ type: "json", value: structuredContent } as const];
  // Servers repeat structured content as text for older clients.
  const texts = structuredContent === undefined
    ? parts
    : parts.filter((part) => part.type !== "text" || !isSameJson(part.text, structuredContent));
  return finish([...texts, ...data], result.isError === true);
}

/** What a server answered to a question for a resource. */
export function toResourceResult(result: ReadResourceResult): ToolResult {
  return finish(result.contents.slice(0, partBound).map(toResourceContent), false);
}

/** What a server answered to a question for a prompt. */
export function toPromptResult(result: GetPromptResult): ToolResult {
  const head = result.description === undefined ? [] : [toText(result.description)];
  const messages = result.messages.slice(0, partBound).flatMap(({ role, content }) => [
    toText(`[${role}]`),
    toContent(content),
  ]);
  return finish([...head, ...messages], false);
}

function finish(content: readonly ToolContent[], isError: boolean): ToolResult {
  let left = textBound;
  const bounded = content.flatMap((part): ToolContent[] => {
    if (part.type === "image") return [part];
    const text = part.type === "text" ? part.text : JSON.stringify(part.value);
    if (left <= 0) return [];
    left -= text.length;
    return left >= 0 ? [part] : [toText(`${text.slice(0, left)}\n[${-left} characters left out]`)];
  });
  return { content: bounded, untrusted: true, ...(isError ? { isError: true } : {}) };
}

function toContent(part: ContentBlock): ToolContent {
  switch (part.type) {
    case "text":
      return toText(part.text);
    case "image":
      return toImage(part.mimeType, part.data);
    case "audio":
      return toText(`[audio, ${part.mimeType}, ${part.data.length} characters of base64: it cannot be heard here]`);
    case "resource":
      return toResourceContent(part.resource);
    case "resource_link": {
      const description = part.description === undefined ? "" : ` ${part.description}`;
      return toText(`[resource ${part.uri} (${part.name})${description}]`);
    }
  }
}

function toResourceContent(resource: ReadResourceResult["contents"][number]): ToolContent {
  const { uri, mimeType = "application/octet-stream" } = resource;
  if ("text" in resource) return toText(`[${uri}]\n${resource.text}`);
  if (imageTypes.has(mimeType)) return toImage(mimeType, resource.blob);
  return toText(`[${uri}: ${mimeType}, ${resource.blob.length} characters of base64, not shown]`);
}

function toImage(mimeType: string, base64: string): ToolContent {
  if (!imageTypes.has(mimeType)) return toText(`[an image of type ${mimeType}, which is not shown]`);
  if (base64.length > imageBound) {
    return toText(`[an image of ${base64.length} characters of base64: too large to show]`);
  }
  return { type: "image", mimeType, base64 };
}

function toText(text: string): ToolContent {
  return { type: "text", text };
}

function isSameJson(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return false; // plain words, no JSON
  }
}
