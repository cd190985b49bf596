import type { LlmConfig } from "../config/llm.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { SubsystemStatus } from "../core/status.ts";
import { formatDuration } from "../lib/duration.ts";
import { type Gate, newGates } from "./gates.ts";
import { type Models, newModels } from "./models.ts";
import { withSmallReads } from "./small_reads.ts";

/** The way to models. Holds nothing that must be closed: a call ends with its signal. */
export interface Llm {
  /** The models of a config; the same ones for the same config. */
  at(config: LlmConfig): Models;
  /** How the providers of the newest config stand, as their breakers saw them. */
  status(): readonly SubsystemStatus[];
}

/** What {@linkcode openLlm} uses. */
export interface LlmDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** How HTTP is spoken. @default {globalThis.fetch} */
  readonly fetch?: typeof globalThis.fetch;
  /** Source of jitter, from 0 to below 1. @default {Math.random} */
  readonly random?: () => number;
}

/** Opens the way to models. Breakers and limiters live as long as it, across configs. */
export function openLlm(
  { log, metrics, clock, fetch = withSmallReads(globalThis.fetch), random = Math.random }: LlmDeps,
): Llm {
  const gates = newGates({ clock, metrics });
  const generations = new WeakMap<LlmConfig, Models>();
  let newest: ReadonlyMap<string, Gate> = new Map();

  return {
    at(config) {
      const kept = generations.get(config);
      if (kept !== undefined) return kept;
      newest = gates.at(config);
      const models = newModels(config, { log, metrics, clock, fetch, random, gates: newest });
      generations.set(config, models);
      return models;
    },
    status: () => [...newest].map(([id, gate]) => toStatus(id, gate)),
  };
}

function toStatus(id: string, { breaker }: Gate): SubsystemStatus {
  const name = `llm.${id}`;
  switch (breaker.state) {
    case "closed":
      return { name, state: "ok", critical: false };
    case "half_open":
      return { name, state: "degraded", critical: false, reason: "It failed and is being tried again." };
    case "open": {
      const wait = formatDuration(breaker.retryAfterMs);
      const reason = `It failed five times in a row and is tried again in ${wait}. See llm.failed in the log.`;
      return { name, state: "down", critical: false, reason };
    }
  }
}
