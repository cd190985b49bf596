import { percentile } from "../../tests/fixtures/load.ts";

/** One measured number. */
export interface Figure {
  readonly part: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The bar: at most, or at least. Absent: told for information. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number };
}

/** Whether a figure reaches its bar; a figure without one always does. */
export function meetsTarget({ value, target }: Figure): boolean {
  if (target === undefined) return true;
  return "atMost" in target ? value <= target.atMost : value >= target.atLeast;
}

/** Median, 90th and 99th percentile of durations, with bars for some. */
export function toPercentiles(
  part: string,
  name: string,
  valuesMs: readonly number[],
  targetsMs: { readonly p50?: number; readonly p99?: number } = {},
): readonly Figure[] {
  const figure = (label: string, share: number, atMost?: number): Figure => ({
    part,
    name: `${name} ${label}`,
    value: percentile(valuesMs, share),
    unit: "ms",
    ...(atMost === undefined ? {} : { target: { atMost } }),
  });
  return [figure("p50", 0.5, targetsMs.p50), figure("p90", 0.9), figure("p99", 0.99, targetsMs.p99)];
}

/** The figures as a table for a terminal. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.part,
    figure.name,
    `${formatNumber(figure.value)} ${figure.unit}`,
    formatTarget(figure),
    figure.target === undefined ? "" : meetsTarget(figure) ? "reached" : "MISSED",
  ]);
  const lines = [["part", "figure", "measured", "target", ""], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line.map((cell, column) => column === 2 ? cell.padStart(widths[2] ?? 0) : cell.padEnd(widths[column] ?? 0)).join(
      "  ",
    )
      .trimEnd()
  ).join("\n");
}

function formatTarget({ target, unit }: Figure): string {
  if (target === undefined) return "";
  return "atMost" in target ? `<= ${target.atMost} ${unit}` : `>= ${target.atLeast} ${unit}`;
}

function formatNumber(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
}
