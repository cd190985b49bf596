/** The last words before a quotation, in the languages of common mail programs. */
const attribution =
  /(?<!\p{L})(wrote|schrieb|escribi[oó]|a écrit|ha scritto|escreveu|schreef|skrev|napisał\(?a?\)?)(?!\p{L})[^\n]{0,200}:\s*$/iu;
/** Longer than any attribution. */
const maxAttributionChars = 500;
/** What Outlook and its relatives put above the mail that they answer. */
const divider =
  /^\s*-{2,}\s*(original message|ursprüngliche nachricht|mensaje original|message d'origine|messaggio originale)\s*-{2,}\s*$/i;
const underline = /^\s*_{10,}\s*$/;
const quotedHeader = /^\s*\*?(from|von|de|da|van|från)\s*:\*?\s/i;

/** A mail's text in two. */
export interface SplitText {
  /** What is new in it. */
  readonly text: string;
  /** The quotation at its end. */
  readonly quotedTail?: string;
}

/**
 * Takes the quotation off the end of a mail that answers another one. Where words stand between and below the
 * quotations, or nothing else is there, the text stays whole.
 */
export function splitQuotedTail(whole: string): SplitText {
  const lines = whole.split(/\r?\n/);
  const cut = lines.findIndex((line, index) => divider.test(line) || isQuotedHeader(lines, index));
  const own = withoutTail(cut < 0 ? lines : lines.slice(0, cut));
  const text = own.join("\n").trim();
  const quotedTail = lines.slice(own.length).join("\n").trim();
  return text === "" || quotedTail === "" ? { text: whole.trim() } : { text, quotedTail };
}

function isQuotedHeader(lines: readonly string[], index: number): boolean {
  return underline.test(lines[index] ?? "") &&
    lines.slice(index + 1, index + 4).some((line) => quotedHeader.test(line));
}

function withoutTail(lines: readonly string[]): readonly string[] {
  const isQuoted = (line: string) => line.startsWith(">");
  const last = lines.findLastIndex((line) => !isQuoted(line) && line.trim() !== "");
  if (!lines.slice(last + 1).some(isQuoted)) return lines;
  // Long attributions are wrapped: "On Monday, … Bob\n<bob@example.org> wrote:".
  for (let length = 1; length <= 3; length++) {
    const from = last + 1 - length;
    if (from < 0) break;
    const words = lines.slice(from, last + 1).join(" ");
    if (words.length <= maxAttributionChars && attribution.test(words)) {
      // The attribution begins where a line before it is empty, or else as early as it can be told.
      return lines.slice(0, toStart(lines, from, last));
    }
  }
  return lines.slice(0, last + 1);
}

function toStart(lines: readonly string[], from: number, last: number): number {
  const earliest = Math.max(0, last - 2);
  for (let index = from; index > earliest; index--) {
    if ((lines[index - 1] ?? "").trim() === "") return index;
  }
  return from;
}
