import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";

/** How one model did over time, a value for each step. */
export interface ModelSeries {
  /** Provider and model. */
  readonly model: string;
  readonly calls: number[];
  readonly errors: number[];
  /** Median of the time of calls that answered, milliseconds; `null` where none did. */
  readonly medianMs: (number | null)[];
  /** 95th percentile. */
  readonly slowMs: (number | null)[];
}

/** What went on over time, in steps of equal length, oldest first. */
export interface SeriesView {
  readonly stepMs: number;
  /** When each step begins, milliseconds since the epoch. */
  readonly times: number[];
  readonly messages: { readonly received: number[]; readonly sent: number[] };
  readonly turns: { readonly answered: number[]; readonly failed: number[] };
  readonly models: ModelSeries[];
}

/** Watches the metrics as they are counted, and keeps the last day of a few of them by the minute. */
export interface Series {
  /** Counts into the metrics, and here. */
  readonly metrics: Metrics;
  /** The last `minutes`, at most {@linkcode keptMinutes}, in at most {@linkcode maxSteps} steps. */
  read(minutes: number): SeriesView;
}

/** How long figures are kept. */
export const keptMinutes = 1_440;
/** Steps of an answer: as many as a line on a screen can show apart. */
export const maxSteps = 144;
/** Models beyond these are not told apart. */
const maxModels = 32;
const minuteMs = 60_000;

/** Bounds of the classes in which times are counted: from 10 ms on, each a quarter longer, to more than 5 minutes. */
const firstBoundMs = 10;
const growth = 1.25;
const classes = 48;

interface ModelMinute {
  calls: number;
  errors: number;
  readonly times: Uint16Array;
}

interface Minute {
  received: number;
  sent: number;
  answered: number;
  failed: number;
  readonly models: Map<string, ModelMinute>;
}

/** Makes {@linkcode Series} in front of `metrics`. Minutes in which nothing happened cost nothing. */
export function newSeries({ metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock }): Series {
  const minutes = new Map<number, Minute>();
  const known = new Set<string>();

  const current = (): Minute => {
    const number = Math.floor(clock.now() / minuteMs);
    const kept = minutes.get(number);
    if (kept !== undefined) return kept;
    const made = { received: 0, sent: 0, answered: 0, failed: 0, models: new Map() };
    minutes.set(number, made);
    for (const old of minutes.keys()) if (old <= number - keptMinutes || old > number) minutes.delete(old);
    return made;
  };
  const modelOf = (provider: string, model: string): ModelMinute => {
    const full = `${provider}/${model}`;
    const name = known.has(full) || known.size < maxModels ? full : "other";
    known.add(name);
    const { models } = current();
    const kept = models.get(name) ?? { calls: 0, errors: 0, times: new Uint16Array(classes) };
    models.set(name, kept);
    return kept;
  };

  return {
    metrics: {
      ...metrics,
      count(name, labels, by = 1) {
        metrics.count(name, labels, by);
        const { provider = "", model = "", result = "", outcome = "" }: Partial<Record<string, string>> = labels;
        if (name === "nexo_inbound_total") current().received += by;
        if (name === "nexo_outbound_total" && result === "sent") current().sent += by;
        if (name === "nexo_turns_total") {
          if (outcome === "failed") current().failed += by;
          else current().answered += by;
        }
        // Whoever asked went away: that is no word about the model.
        if (name === "nexo_llm_requests_total" && result !== "cancelled") {
          const one = modelOf(provider, model);
          one.calls += by;
          if (result !== "ok") one.errors += by;
        }
      },
      observe(name, labels, value) {
        metrics.observe(name, labels, value);
        const { provider = "", model = "", stage }: Partial<Record<string, string>> = labels;
        if (name !== "nexo_llm_seconds" || stage !== "total") return;
        const { times } = modelOf(provider, model);
        const index = toClass(value * 1_000);
        times[index] = Math.min(65_535, (times[index] ?? 0) + 1);
      },
    },
    read(wanted) {
      const span = Math.min(wanted, keptMinutes);
      const width = Math.max(1, Math.ceil(span / maxSteps));
      const last = Math.floor(clock.now() / minuteMs);
      const steps = Math.ceil(span / width);
      const first = last - steps * width + 1;
      const groups = Array.from(
        { length: steps },
        (_, step) =>
          Array.from({ length: width }, (_, offset) => minutes.get(first + step * width + offset))
            .filter((minute) => minute !== undefined),
      );
      const sum = (of: (minute: Minute) => number) =>
        groups.map((group) => group.reduce((total, minute) => total + of(minute), 0));
      const names = [...new Set(groups.flat().flatMap(({ models }) => [...models.keys()]))].sort();
      return {
        stepMs: width * minuteMs,
        times: groups.map((_, step) => (first + step * width) * minuteMs),
        messages: { received: sum(({ received }) => received), sent: sum(({ sent }) => sent) },
        turns: { answered: sum(({ answered }) => answered), failed: sum(({ failed }) => failed) },
        models: names.map((model) => ({
          model,
          calls: sum(({ models }) => models.get(model)?.calls ?? 0),
          errors: sum(({ models }) => models.get(model)?.errors ?? 0),
          medianMs: groups.map((group) => shareOf(group, model, 0.5)),
          slowMs: groups.map((group) => shareOf(group, model, 0.95)),
        })),
      };
    },
  };
}

function toClass(ms: number): number {
  const index = Math.ceil(Math.log(Math.max(1, ms / firstBoundMs)) / Math.log(growth));
  return Math.min(classes - 1, index);
}

/** The upper bound of the class in which a share of a model's times is reached, milliseconds. */
function shareOf(group: readonly Minute[], model: string, share: number): number | null {
  const times = new Array<number>(classes).fill(0);
  for (const { models } of group) {
    for (const [index, count] of (models.get(model)?.times ?? []).entries()) times[index] = (times[index] ?? 0) + count;
  }
  const total = times.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  const index = times.findIndex((count) => (seen += count) >= total * share);
  return Math.round(firstBoundMs * growth ** index);
}
