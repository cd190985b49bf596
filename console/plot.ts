import uPlot from "uplot";

// The drawing of charts: a file of its own, which only a page with a chart loads.

/** One line of a chart. */
export interface PlotLine {
  readonly name: string;
  /** As the browser's canvas takes it. */
  readonly colour: string;
  readonly dashed: boolean;
  readonly values: readonly (number | null)[];
}

/** What is drawn. */
export interface PlotInput {
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly PlotLine[];
  readonly bars: boolean;
  readonly ink: string;
  readonly grid: string;
  readonly font: string;
  say(value: number): string;
  sayTime(ms: number): string;
}

/** A chart on the page. */
export interface Plot {
  resize(width: number): void;
  remove(): void;
}

const height = 190;

/** Draws into `parent`, which is empty. */
export function drawPlot(parent: HTMLElement, width: number, input: PlotInput): Plot {
  const { times, lines, bars, ink, grid, font, say, sayTime } = input;
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 }, font };
  const plot = new uPlot(
    {
      width,
      height,
      padding: [10, 22, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      legend: { live: true },
      scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(high, 1e-9) * 1.1] } },
      axes: [
        { ...axis, space: 90, values: (_plot, splits) => splits.map((second) => sayTime(second * 1_000)) },
        { ...axis, size: 66, space: 40, values: (_plot, splits) => splits.map((value) => say(value)) },
      ],
      series: [
        { label: "Time", value: (_plot, second) => second === null ? "" : sayTime(second * 1_000) },
        ...lines.map(({ name, colour, dashed }): uPlot.Series => ({
          label: name,
          stroke: colour,
          width: 2,
          ...(dashed ? { dash: [5, 4] } : {}),
          ...(bars ? { fill: colour, width: 0, paths: toBars() } : {}),
          points: { show: (plot, index) => !bars && isLonely(plot.data[index], plot.data[0].length), size: 5 },
          value: (_plot, value) => value === null ? "–" : say(value),
        })),
      ],
    },
    [times.map((ms) => ms / 1_000), ...lines.map(({ values }) => [...values])],
    parent,
  );
  return { resize: (wide) => plot.setSize({ width: wide, height }), remove: () => plot.destroy() };
}

function toBars(): uPlot.Series.PathBuilder {
  const build = uPlot.paths.bars?.({ size: [0.7, 28], radius: 0.15 });
  if (build === undefined) throw new Error("uPlot has no bars");
  return build;
}

/** A line needs two points beside each other; where there are few, each is shown. */
function isLonely(values: ArrayLike<number | null | undefined> | undefined, length: number): boolean {
  let seen = 0;
  for (let index = 0; index < length; index++) if ((values?.[index] ?? undefined) !== undefined) seen++;
  return seen < 30;
}
