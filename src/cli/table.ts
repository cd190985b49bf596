import type { Ink } from "./ink.ts";
import { toPlainLine } from "./plain.ts";
import { widthOf } from "./width.ts";
import { wrapText } from "./wrap.ts";

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

/** Narrower than this, a column of words is no more readable. */
const leastWrapped = 20;

/**
 * Writes rows below their titles, columns aligned. Cells are made plain here; the last line has no end.
 *
 * @param width Columns of the terminal, which the words of the last column are wrapped to. Where there is no room for
 * columns, each row is written below its first cell instead.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  ink: Ink,
  width?: number,
): string {
  const cells = rows.map((row) =>
    columns.map(({ max = defaultMax }, index) => toPlainLine(row[index] ?? "", max) || "-")
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(...[title, ...cells.map((row) => row[index] ?? "")].map(widthOf))
  );
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  const wrap = (cell: string) => width === undefined ? cell : wrapText(cell, width, before);
  const isNarrow = width !== undefined && before + (widths.at(-1) ?? 0) > width && width - before < leastWrapped;
  if (isNarrow) return cells.map((row) => formatBlock(columns, row, ink, width)).join("\n");
  const toLine = (row: readonly string[], paint: (cell: string, column: Column) => string) =>
    columns.map((column, index) => {
      const cell = row[index] ?? "";
      const gap = " ".repeat((widths[index] ?? 0) - widthOf(cell));
      const painted = paint(cell, column);
      if (column.align === "right") return gap + painted;
      return index === columns.length - 1 ? paint(wrap(cell), column) : painted + gap;
    }).join("  ");
  return [
    toLine(columns.map(({ title }) => title), (cell) => ink.dim(cell)),
    ...cells.map((row) => toLine(row, (cell, { paint }) => paint?.(cell) ?? cell)),
  ].join("\n");
}

/** A row without columns: its first cell, and below it what the others say. */
function formatBlock(columns: readonly Column[], [first = "", ...rest]: readonly string[], ink: Ink, width: number) {
  const told = rest.flatMap((cell, index) => {
    const { title = "", paint } = columns[index + 1] ?? {};
    return cell === "-" ? [] : [`${ink.dim(title.toLowerCase())} ${paint?.(cell) ?? cell}`];
  });
  const line = wrapText(first, width);
  return told.length === 0 ? line : `${line}\n  ${wrapText(told.join(", "), width, 2)}`;
}
