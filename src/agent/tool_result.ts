import { z } from "zod";
import { AppError } from "../core/error.ts";
import type { ToolContent, ToolResult } from "../core/tool.ts";

/** Longest texts of one result together, characters. What the model is shown of them is for the window to say. */
const textBound = 4_000_000;
/** Longest images of one result together, characters of base64. */
const imageBound = 20_000_000;

const resultSchema = z.object({
  content: z.array(z.discriminatedUnion("type", [
    z.object({ type: z.literal("text"), text: z.string() }),
    z.object({ type: z.literal("image"), mimeType: z.string(), base64: z.string() }),
    z.object({ type: z.literal("json"), value: z.unknown() }),
  ])),
  isError: z.boolean().optional(),
  untrusted: z.boolean().optional(),
});

/**
 * What a tool gave back, which its author may have got wrong, as what can be kept: complete, and within bounds.
 *
 * @throws {AppError} `invalid` where it is no result; `bug` where a value is no JSON.
 */
export function toKeptResult(given: unknown): ToolResult {
  const { data, error } = resultSchema.safeParse(given);
  if (data === undefined) {
    const [issue] = error.issues;
    throw new AppError("invalid", `What it gave back is no result: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  let [textLeft, imageLeft] = [textBound, imageBound];
  const cut = (text: string): ToolContent => {
    const kept = text.slice(0, textLeft);
    textLeft -= kept.length;
    const more = text.length - kept.length;
    return { type: "text", text: more === 0 ? text : `${kept}\n[${more} characters left out]` };
  };
  const content = data.content.map((part): ToolContent => {
    switch (part.type) {
      case "text":
        return cut(part.text);
      case "json": {
        const text = JSON.stringify(part.value) ?? "null";
        if (text.length > textLeft) return cut(text);
        textLeft -= text.length;
        return part;
      }
      case "image":
        if (part.base64.length > imageLeft) return { type: "text", text: "[image: too large, left out]" };
        imageLeft -= part.base64.length;
        return part;
    }
  });
  return {
    content,
    ...(data.isError === undefined ? {} : { isError: data.isError }),
    ...(data.untrusted === undefined ? {} : { untrusted: data.untrusted }),
  };
}
