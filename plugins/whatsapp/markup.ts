import type { Entity, RichText } from "../../src/lib/rich_text.ts";

/**
 * Writes formatted text as people write it in WhatsApp: `*bold*`, `_italic_`, `~strike~`, `` `code` ``, fenced blocks,
 * `> ` before quoted lines: https://faq.whatsapp.com/539178204879377.
 */
export function toWhatsAppText({ text, entities }: RichText): string {
  const opening = new Map<number, string>();
  const closing = new Map<number, string>();
  // An outer stretch comes before those inside it: it is opened first and closed last.
  for (const entity of entities) {
    for (const [at, mark] of toOpeningMarks(entity, text)) opening.set(at, (opening.get(at) ?? "") + mark);
    const end = entity.offset + entity.length;
    closing.set(end, toClosingMark(entity, text) + (closing.get(end) ?? ""));
  }
  const places = [...new Set([...opening.keys(), ...closing.keys()])].sort((one, other) => one - other);
  let written = "";
  let from = 0;
  for (const at of places) {
    written += text.slice(from, at) + (closing.get(at) ?? "") + (opening.get(at) ?? "");
    from = at;
  }
  return written + text.slice(from);
}

const marks = { bold: "*", italic: "_", strikethrough: "~", code: "`" } as const;

function toOpeningMarks({ type, offset, length }: Entity, text: string): readonly (readonly [number, string])[] {
  if (type === "text_link") return [];
  if (type === "pre") return [[offset, "```\n"]];
  if (type !== "blockquote") return [[offset, marks[type]]];
  const lines = [...text.slice(offset, offset + length).matchAll(/\n/g)];
  return [[offset, "> "], ...lines.map(({ index }) => [offset + index + 1, "> "] as const)];
}

function toClosingMark({ type, offset, length, url = "" }: Entity, text: string): string {
  if (type === "blockquote") return "";
  if (type === "pre") return "\n```";
  if (type === "text_link") return text.slice(offset, offset + length) === url ? "" : ` (${url})`;
  return marks[type];
}
