/** A stretch of formatted text, in UTF-16 units. */
export interface Entity {
  readonly type: "bold" | "italic" | "strikethrough" | "code" | "pre" | "blockquote" | "text_link";
  readonly offset: number;
  readonly length: number;
  /** Of a `text_link`. */
  readonly url?: string;
  /** Of a `pre`. */
  readonly language?: string;
}

/** Text with its formatting beside it, so that nothing in the text has to be escaped and a cut cannot break a tag. */
export interface RichText {
  readonly text: string;
  readonly entities: readonly Entity[];
}

/**
 * Reads the Markdown that models write: headings, lists, quotes, fenced and inline code, tables, bold, italic,
 * strikethrough, links. What is no Markdown stays as it is.
 */
export function toRichText(markdown: string): RichText {
  const out = newWriter();
  const lines = markdown.replaceAll("\r\n", "\n").split("\n");
  for (let index = 0; index < lines.length;) {
    if (index > 0) out.write("\n");
    index = writeBlock(lines, index, out);
  }
  return out.finish();
}

type EntityKind = Omit<Entity, "offset" | "length">;

interface Writer {
  write(text: string): void;
  /** Writes what `content` writes as one formatted stretch. */
  format(kind: EntityKind, content: () => void): void;
  finish(): RichText;
}

function newWriter(): Writer {
  const entities: Entity[] = [];
  let text = "";
  return {
    write: (more) => void (text += more),
    format(kind, content) {
      const offset = text.length;
      const place = entities.length;
      content();
      // Before those inside it: the outer one comes first.
      if (text.length > offset) entities.splice(place, 0, { ...kind, offset, length: text.length - offset });
    },
    finish: () => ({ text, entities }),
  };
}

const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const heading = /^ {0,3}#{1,6}\s+(\S.*)$/;
const rule = /^ {0,3}([-*_])(\s*\1){2,}\s*$/;
const quote = /^ {0,3}> ?(.*)$/;
const bullet = /^(\s*)[-*+]\s+(.*)$/;
const tableRow = /^\s*\|.*\|\s*$/;

/** Writes the block that begins at `lines[start]`, without a newline after it. Gives the line after it. */
function writeBlock(lines: readonly string[], start: number, out: Writer): number {
  const line = lines[start] ?? "";
  const [, marker, language] = fence.exec(line) ?? [];
  if (marker !== undefined) return writeCode(lines, start + 1, marker, language ?? "", out);
  if (quote.test(line)) return writeRun(lines, start, quote, out, writeQuote);
  if (tableRow.test(line) && tableRow.test(lines[start + 1] ?? "")) {
    return writeRun(
      lines,
      start,
      tableRow,
      out,
      (rows) => out.format({ type: "pre" }, () => out.write(rows.join("\n"))),
    );
  }
  const [, title] = heading.exec(line) ?? [];
  const [, indent, item] = bullet.exec(line) ?? [];
  if (title !== undefined) {
    out.format({ type: "bold" }, () => writeInline(title.trimEnd().replace(/\s#+$/, "").trimEnd(), out));
  } else if (rule.test(line)) out.write("———");
  else if (item !== undefined) {
    out.write(`${indent}• `);
    writeInline(item, out);
  } else writeInline(line, out);
  return start + 1;
}

function writeCode(lines: readonly string[], start: number, marker: string, language: string, out: Writer): number {
  let end = start;
  while (end < lines.length && !isFenceEnd(lines[end] ?? "", marker)) end++;
  const kind: EntityKind = { type: "pre", ...(language === "" ? {} : { language }) };
  out.format(kind, () => out.write(lines.slice(start, end).join("\n")));
  return end + 1;
}

function isFenceEnd(line: string, marker: string): boolean {
  const bare = line.trim();
  return bare.length >= marker.length && bare === marker.charAt(0).repeat(bare.length);
}

/** Hands the lines from `start` on that `pattern` matches to `write`. */
function writeRun(
  lines: readonly string[],
  start: number,
  pattern: RegExp,
  out: Writer,
  write: (run: readonly string[], out: Writer) => void,
): number {
  let end = start;
  while (end < lines.length && pattern.test(lines[end] ?? "")) end++;
  write(lines.slice(start, end), out);
  return end;
}

function writeQuote(lines: readonly string[], out: Writer): void {
  out.format({ type: "blockquote" }, () => {
    for (const [index, line] of lines.entries()) {
      if (index > 0) out.write("\n");
      writeInline(quote.exec(line)?.[1] ?? "", out);
    }
  });
}

const emphasis = [
  { mark: "**", type: "bold" },
  { mark: "__", type: "bold" },
  { mark: "~~", type: "strikethrough" },
  { mark: "*", type: "italic" },
  { mark: "_", type: "italic" },
] as const;

/** Formatting inside formatting inside …: deeper marks stay as they are written. */
const maxDepth = 8;

function writeInline(source: string, out: Writer, depth = 0): void {
  const unclosed = new Set<string>();
  let plainFrom = 0;
  for (let at = 0; at < source.length;) {
    const end = writeSpan(source, at, out, depth, unclosed, () => out.write(source.slice(plainFrom, at)));
    if (end === undefined) at++;
    else plainFrom = at = end;
  }
  out.write(source.slice(plainFrom));
}

/**
 * Writes the formatted span that begins at `at`, after `flush` has written what stands before it. Gives its end, or
 * `undefined` where none begins. `unclosed` keeps marks that have no end further on, so that a line of nothing but marks
 * is not searched again for each.
 */
function writeSpan(
  source: string,
  at: number,
  out: Writer,
  depth: number,
  unclosed: Set<string>,
  flush: () => void,
): number | undefined {
  const char = source.charAt(at);
  if (char === "\\" && /[!-/:-@[-`{-~]/.test(source.charAt(at + 1))) {
    flush();
    out.write(source.charAt(at + 1));
    return at + 2;
  }
  if (char === "`") return writeInlineCode(source, at, out, unclosed, flush);
  if (char === "[" || (char === "!" && source.charAt(at + 1) === "[")) return writeLink(source, at, out, depth, flush);
  const found = emphasis.find(({ mark }) => source.startsWith(mark, at));
  if (found === undefined || depth === maxDepth || unclosed.has(found.mark)) return undefined;
  const { mark, type } = found;
  const from = at + mark.length;
  if (!opens(source, at, from, mark)) return undefined;
  const to = findClose(source, from, mark);
  if (to === undefined) {
    unclosed.add(mark);
    return undefined;
  }
  flush();
  out.format({ type }, () => writeInline(source.slice(from, to), out, depth + 1));
  return to + mark.length;
}

function opens(source: string, at: number, from: number, mark: string): boolean {
  if (/^(\s|$)/.test(source.charAt(from))) return false;
  return !mark.startsWith("_") || !isWordChar(source.charAt(at - 1));
}

function findClose(source: string, from: number, mark: string): number | undefined {
  for (let to = source.indexOf(mark, from + 1); to >= 0; to = source.indexOf(mark, to + 1)) {
    if (/\s|\\/.test(source.charAt(to - 1))) continue;
    const single = mark.length === 1;
    // A single mark that is half of a double one belongs to that.
    if (single && (source.charAt(to + 1) === mark || source.charAt(to - 1) === mark)) continue;
    if (mark.startsWith("_") && isWordChar(source.charAt(to + mark.length))) continue;
    return to;
  }
  return undefined;
}

function isWordChar(char: string): boolean {
  return char !== "" && /[\p{L}\p{N}]/u.test(char);
}

function writeInlineCode(
  source: string,
  at: number,
  out: Writer,
  unclosed: Set<string>,
  flush: () => void,
): number | undefined {
  let from = at;
  while (source.charAt(from) === "`") from++;
  const mark = source.slice(at, from);
  const to = unclosed.has(mark) ? -1 : source.indexOf(mark, from);
  if (to < 0) {
    unclosed.add(mark);
    return undefined;
  }
  flush();
  out.format({ type: "code" }, () => out.write(source.slice(from, to).replace(/^ (.*\S.*) $/, "$1")));
  return to + mark.length;
}

const link =
  /!?\[([^\[\]\n]{0,1000})\]\(\s*<?(https?:\/\/[^\s)>]{1,2000}|mailto:[^\s)>]{1,500}|tg:\/\/[^\s)>]{1,500})>?(?:\s+"[^"\n]{0,500}")?\s*\)/y;

/** Only addresses that chats show as links; any other stays text, so that nothing is hidden behind it. */
function writeLink(source: string, at: number, out: Writer, depth: number, flush: () => void): number | undefined {
  const pattern = new RegExp(link);
  pattern.lastIndex = at;
  const [whole, label, url] = pattern.exec(source) ?? [];
  if (whole === undefined || label === undefined || url === undefined || depth === maxDepth) return undefined;
  flush();
  out.format({ type: "text_link", url }, () => label === "" ? out.write(url) : writeInline(label, out, depth + 1));
  return at + whole.length;
}
