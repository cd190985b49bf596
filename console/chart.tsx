import { useEffect, useRef, useState } from "preact/hooks";
import type { Plot } from "./plot.ts";
import { Fold } from "./ui.tsx";

/** What a line means; its colour is that of the style sheet. */
export type Tone = "accent" | "model" | "warn" | "bad" | "soft";

/** One line of a chart. */
export interface ChartLine {
  readonly name: string;
  readonly tone: Tone;
  /** Told apart by more than its colour. */
  readonly dashed?: boolean;
  /** One for each time; `null` where there is none. */
  readonly values: readonly (number | null)[];
}

const plotFile = "/console/plot.js";
const styleFile = "/console/plot.css";

/** Lines, or bars, over time; the same figures as a table beside them. The drawing is loaded with the first chart. */
export function Chart({ title, times, lines, bars = false, say, sayTime = toClock }: {
  readonly title: string;
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly bars?: boolean;
  say(value: number): string;
  sayTime?(ms: number): string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const figures = JSON.stringify([times, lines]);
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return;
    let plot: Plot | undefined;
    let gone = false;
    const resized = new ResizeObserver(() => plot?.resize(parent.clientWidth));
    const draw = async () => {
      const { drawPlot } = await loadPlot();
      if (gone) return;
      const colourOf = (tone: Tone | "line") => getComputedStyle(parent).getPropertyValue(`--plot-${tone}`);
      plot = drawPlot(parent, parent.clientWidth, {
        times,
        lines: lines.map(({ name, tone, dashed = false, values }) => ({
          name,
          dashed,
          values,
          colour: colourOf(tone),
        })),
        bars,
        ink: colourOf("soft"),
        grid: colourOf("line"),
        font: `12px ${getComputedStyle(parent).fontFamily}`,
        say,
        sayTime,
      });
      resized.observe(parent);
    };
    void draw();
    return () => {
      gone = true;
      resized.disconnect();
      plot?.remove();
    };
  }, [figures, theme, bars]);
  return (
    <figure class="card chart">
      <figcaption>{title}</figcaption>
      <div ref={place} class="plot" aria-hidden="true" />
      <Fold summary="The figures as a table">
        <FigureTable {...{ title, times, lines, say, sayTime }} />
      </Fold>
    </figure>
  );
}

function FigureTable({ title, times, lines, say, sayTime }: {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  say(value: number): string;
  sayTime(ms: number): string;
}) {
  const rows = times.map((time, index) => ({ time, values: lines.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0)).toReversed();
  if (rows.length === 0) return <p class="soft">Nothing in this time.</p>;
  return (
    <div class="figure-table" tabIndex={0} role="region" aria-label={title}>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            {lines.map(({ name }) => <th key={name} class="number">{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, values }) => (
            <tr key={time}>
              <td>{sayTime(time)}</td>
              {values.map((value, index) => <td key={index} class="number">{value === null ? "–" : say(value)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A line without axes, as long as a word: how a figure moved. Whoever cannot see it reads `says`. */
export function Spark({ values, says }: { readonly values: readonly number[]; readonly says: string }) {
  const highest = Math.max(...values, 1);
  const step = 100 / Math.max(1, values.length - 1);
  const points = values.map((value, index) => `${index * step},${19 - (value / highest) * 18}`).join(" ");
  return (
    <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label={says}>
      <polyline points={points} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** Changes with the colours of the page: what is drawn has to be drawn anew. */
function useTheme(): string {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const read = () => document.documentElement.dataset["theme"] ?? (dark.matches ? "dark" : "light");
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    const look = () => setTheme(read());
    const changes = new MutationObserver(look);
    changes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", look);
    return () => {
      changes.disconnect();
      dark.removeEventListener("change", look);
    };
  }, []);
  return theme;
}

async function loadPlot(): Promise<typeof import("./plot.ts")> {
  if (document.querySelector(`link[href="${styleFile}"]`) === null) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = styleFile;
    document.head.append(link);
  }
  // Its name is a value, so that the bundle of the first load does not take it in.
  return await import(plotFile);
}

function toClock(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}
