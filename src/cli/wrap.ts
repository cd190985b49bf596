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

/**
 * Breaks the lines of a help page that are longer than the terminal is wide, each below the text that it goes on with.
 * Examples stay whole: what is copied from the terminal must be the command.
 */
export function wrapHelp(page: string, columns: number | undefined): string {
  let title = "";
  return page.split("\n").map((line) => {
    if (/^\S*[A-Z][A-Z ]+\S*$/.test(line)) title = line;
    if (columns === undefined || widthOf(line) <= columns || title.includes("EXAMPLES")) return line;
    // A name, and what is said of it behind two blanks or more; or a line of usage.
    const [, before = "", said = ""] = /^( *\S+(?: \S+)* {2,}| *)(.*)$/.exec(line) ?? [];
    const indent = widthOf(before) > columns / 2 ? 6 : widthOf(before) + (said.includes("[--") ? 2 : 0);
    return before + wrapText(said, columns, indent, widthOf(before));
  }).join("\n");
}
