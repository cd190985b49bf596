import type { Entity, RichText } from "./rich_text.ts";

/**
 * Cuts a text into parts that fit into messages: after a paragraph, else a line, else a sentence, else a word, else
 * between two characters as a reader sees them. Formatting that a cut goes through goes on in the next part.
 *
 * @param maxUnits Longest text of one message in UTF-16 units.
 */
export function splitRichText(rich: RichText, maxUnits: number): readonly RichText[] {
  const parts: RichText[] = [];
  for (let from = skipBlankLines(rich.text, 0); from < rich.text.length;) {
    const to = rich.text.length - from <= maxUnits ? rich.text.length : findCut(rich.text, from, maxUnits);
    const part = slice(rich, from, to);
    if (part.text.trim() !== "") parts.push(part);
    from = skipBlankLines(rich.text, to);
  }
  return parts;
}

const places = [/\n\s*\n/g, /\n/g, /[.!?…]["')\]]*\s/g, /\s/g];

/** The end of the part that begins at `from`. */
function findCut(text: string, from: number, maxUnits: number): number {
  const window = text.slice(from, from + maxUnits);
  for (const place of places) {
    const last = [...window.matchAll(place)].at(-1);
    // A cut in the first half would make more parts than the reader gains by it.
    if (last !== undefined && last.index >= maxUnits / 2) return from + last.index + last[0].length;
  }
  return from + toGraphemeEnd(text, from, maxUnits);
}

/** Characters as a reader sees them may be long (a family, a flag, stacked accents), but not endless. */
const maxGraphemeUnits = 64;

/** The last place up to `maxUnits` from `from` that is not inside a character; never inside a surrogate pair. */
function toGraphemeEnd(text: string, from: number, maxUnits: number): number {
  const start = Math.max(0, maxUnits - maxGraphemeUnits);
  const around = text.slice(from + start, from + maxUnits + maxGraphemeUnits);
  let end = 0;
  for (const { index } of new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(around)) {
    if (start + index > maxUnits) break;
    end = start + index;
  }
  // The window itself may begin inside a character: then its first place is none.
  if (end > start) return end;
  return isHighSurrogate(text.charCodeAt(from + maxUnits - 1)) ? maxUnits - 1 : maxUnits;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function skipBlankLines(text: string, from: number): number {
  let at = from;
  for (let index = from; index < text.length && /\s/.test(text.charAt(index)); index++) {
    if (text.charAt(index) === "\n") at = index + 1;
  }
  return at;
}

function slice({ text, entities }: RichText, from: number, to: number): RichText {
  const body = text.slice(from, to).trimEnd();
  const end = from + body.length;
  return { text: body, entities: entities.flatMap((entity) => clip(entity, from, end)) };
}

function clip(entity: Entity, from: number, to: number): Entity[] {
  const start = Math.max(entity.offset, from);
  const end = Math.min(entity.offset + entity.length, to);
  return start < end ? [{ ...entity, offset: start - from, length: end - start }] : [];
}
