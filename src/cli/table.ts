import type { Ink } from "./ink.ts";
import { toPlainLine } from "./plain.ts";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand on the right. @default {"left"} */
  readonly align?: "left" | "right";
  /** Longer cells are cut, characters. @default {60} */
  readonly max?: number;
  /** Colours a cell by what it says. */
  paint?(cell: string): string;
}

const defaultMax = 60;

/** Writes rows below their titles, columns aligned. Cells are made plain here; the last line has no end. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[], ink: Ink): string {
  const cells = rows.map((row) =>
    columns.map(({ max = defaultMax }, index) => toPlainLine(row[index] ?? "", max) || "-")
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(...[title, ...cells.map((row) => row[index] ?? "")].map(widthOf))
  );
  const toLine = (row: readonly string[], paint: (cell: string, column: Column) => string) =>
    columns.map((column, index) => {
      const cell = row[index] ?? "";
      const gap = " ".repeat((widths[index] ?? 0) - widthOf(cell));
      const painted = paint(cell, column);
      if (column.align === "right") return gap + painted;
      return index === columns.length - 1 ? painted : painted + gap;
    }).join("  ");
  return [
    toLine(columns.map(({ title }) => title), (cell) => ink.dim(cell)),
    ...cells.map((row) => toLine(row, (cell, { paint }) => paint?.(cell) ?? cell)),
  ].join("\n");
}

/** Columns that a terminal gives `text`: East Asian wide letters and emoji take two, marks on a letter none. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (/\p{Mark}|\u200d/u.test(letter)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
          .test(letter)
        ? 2
        : 1;
  }
  return width;
}
