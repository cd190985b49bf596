import { widthOf } from "./width.ts";

/**
 * Breaks a text at its blanks, so that it fits a terminal. Words stay whole, however long.
 *
 * @param columns Of the terminal. Absent: the text stays as it is.
 * @param indent Blanks before every line but the first.
 * @param used Columns of the first line that are taken already.
 */
export function wrapText(text: string, columns: number | undefined, indent = 0, used = indent): string {
  if (columns === undefined) return text;
  const lines: string[] = [];
  let line = "";
  let left = columns - used;
  for (const word of text.split(" ")) {
    const wanted = line === "" ? word : ` ${word}`;
    if (line !== "" && widthOf(wanted) > left) {
      lines.push(line);
      line = word;
      left = columns - indent - widthOf(word);
      continue;
    }
    line += wanted;
    left -= widthOf(wanted);
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
