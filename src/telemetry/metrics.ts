import { toAppError } from "../core/error.ts";
import type { Log } from "../core/log.ts";
import { type MetricName, type Metrics, metricTable } from "../core/metrics.ts";

/** The metrics of the process, with the text that Prometheus reads. */
export interface ScrapedMetrics extends Metrics {
  /** Media type of {@linkcode ScrapedMetrics.text}. */
  readonly contentType: string;
  /** Runs `collect` before each scrape, for gauges that are cheaper to ask than to keep. Ends when disposed. */
  onScrape(collect: () => void | Promise<void>): Disposable;
  /**
   * Every metric of the table in Prometheus' text format 0.0.4
   * (https://prometheus.io/docs/instrumenting/exposition_formats/).
   */
  text(): Promise<string>;
}

/** Labels that somebody outside can choose (a tool's name, say) must not grow the process: later ones are `other`. */
const maxSeriesPerMetric = 1_000;

type Labels = Readonly<Record<string, string>>;

interface Series {
  /** As they stand in the text: `agent="ana",outcome="answered"`. */
  readonly labels: string;
  /** Total of a counter, value of a gauge, sum of a histogram's observations. */
  value: number;
  /** Observations of a histogram up to each bound and, last, above all of them; not cumulated. */
  readonly buckets: number[];
}

interface Family {
  readonly name: MetricName;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  readonly bounds: readonly number[];
  readonly series: Map<string, Series>;
}

/** Makes the metrics of the table; those without labels stand at zero. */
export function newMetrics(log: Log): ScrapedMetrics {
  const families = new Map(Object.keys(metricTable).filter(isMetricName).map((name) => [name, newFamily(name)]));
  const collectors = new Set<() => void | Promise<void>>();

  /** Where to record `value`. A number that makes no sense is a fault of the caller's, but must not fail its work. */
  const find = (name: MetricName, labels: Labels, value: number): { family: Family; series: Series } | undefined => {
    const family = families.get(name);
    if (family === undefined || !Number.isFinite(value) || (family.type === "counter" && value < 0)) {
      log.error("metrics.value_refused", { metric: name, value });
      return undefined;
    }
    return { family, series: seriesOf(family, labels) };
  };
  const collect = async (): Promise<void> => {
    for (const collector of collectors) {
      try {
        await collector();
      } catch (error) {
        log.warn("metrics.collect_failed", { error: toAppError(error).message });
      }
    }
  };
  return {
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    count(name, labels, by = 1) {
      const found = find(name, labels, by);
      if (found !== undefined) found.series.value += by;
    },
    gauge(name, labels, value) {
      const family = families.get(name);
      if (value === undefined) return void family?.series.delete(keyOf(family, labels));
      const found = find(name, labels, value);
      if (found !== undefined) found.series.value = value;
    },
    observe(name, labels, value) {
      const found = find(name, labels, value);
      if (found === undefined) return;
      const { bounds } = found.family;
      const { buckets } = found.series;
      let index = 0;
      while (index < bounds.length && value > (bounds[index] ?? Infinity)) index++;
      buckets[index] = (buckets[index] ?? 0) + 1;
      found.series.value += value;
    },
    onScrape(collector) {
      collectors.add(collector);
      return { [Symbol.dispose]: () => void collectors.delete(collector) };
    },
    async text() {
      await collect();
      return [...families.values()].map(formatFamily).join("");
    },
  };
}

function isMetricName(name: string): name is MetricName {
  return name in metricTable;
}

function newFamily(name: MetricName): Family {
  const { type, help, labels } = metricTable[name];
  const definition = metricTable[name];
  const bounds = definition.type === "histogram" ? definition.buckets : [];
  const family: Family = { name, type, help, labels, bounds, series: new Map() };
  if (labels.length === 0) seriesOf(family, {});
  return family;
}

function seriesOf(family: Family, labels: Labels): Series {
  const key = keyOf(family, labels);
  const known = family.series.get(key);
  if (known !== undefined) return known;
  if (family.series.size >= maxSeriesPerMetric && Object.values(labels).some((value) => value !== "other")) {
    return seriesOf(family, Object.fromEntries(family.labels.map((label) => [label, "other"])));
  }
  const buckets = family.type === "histogram" ? new Array<number>(family.bounds.length + 1).fill(0) : [];
  const series = {
    labels: family.labels.map((label) => `${label}="${escapeLabel(labels[label] ?? "")}"`).join(","),
    value: 0,
    buckets,
  };
  family.series.set(key, series);
  return series;
}

function keyOf(family: Family, labels: Labels): string {
  let key = "";
  for (const label of family.labels) key += `${labels[label] ?? ""}\u0000`;
  return key;
}

function formatFamily(family: Family): string {
  const { name, type, help } = family;
  let text = `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
  for (const series of family.series.values()) {
    text += type === "histogram" ? formatHistogram(family, series) : formatSample(name, series.labels, series.value);
  }
  return text;
}

function formatHistogram({ name, bounds }: Family, { labels, value, buckets }: Series): string {
  let text = "";
  let count = 0;
  for (const [index, inBucket] of buckets.entries()) {
    count += inBucket;
    const bound = `le="${bounds[index] ?? "+Inf"}"`;
    text += formatSample(`${name}_bucket`, labels === "" ? bound : `${labels},${bound}`, count);
  }
  return `${text}${formatSample(`${name}_sum`, labels, value)}${formatSample(`${name}_count`, labels, count)}`;
}

function formatSample(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
