import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/error.ts";
import type { AnyHook, HookName, HookPayloads, HookVerdict } from "../core/hook.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Live } from "../lib/live.ts";
import { withDeadline } from "../resilience/deadline.ts";

/** What became of a payload that went through all hooks of a name. */
export type HookOutcome<N extends HookName> =
  | { readonly vetoed: string; readonly by: string }
  | { readonly payload: HookPayloads[N] };

/** Runs hooks in order of priority. */
export interface Hooks {
  /** Each hook sees what those before it changed; the first veto ends it. */
  run<N extends HookName>(on: N, payload: HookPayloads[N], signal: AbortSignal): Promise<HookOutcome<N>>;
}

/** Collects hooks by name, lowest priority first, in order of the list among equals. */
export function newHooks(
  list: Live<readonly AnyHook[]>,
  { log, metrics, clock }: { readonly log: Log; readonly metrics: Metrics; readonly clock: Clock },
): Hooks {
  let sorted = { list: list.current, byName: sortByName(list.current) };
  const of = (name: HookName) => {
    if (sorted.list !== list.current) sorted = { list: list.current, byName: sortByName(list.current) };
    return sorted.byName.get(name) ?? [];
  };

  const ask = async (hook: AnyHook, payload: unknown, signal: AbortSignal): Promise<HookVerdict<unknown>> => {
    using deadline = withDeadline(signal, hook.deadlineMs, clock, `Hook ${hook.id}`);
    const { promise: late, reject } = Promise.withResolvers<never>();
    deadline.signal.addEventListener("abort", () => reject(deadline.signal.reason), { once: true });
    // of() gives only hooks of the name that the payload belongs to.
    const run = hook.run as (payload: unknown, signal: AbortSignal) => Promise<unknown>;
    return readVerdict(await Promise.race([run(payload, deadline.signal), late]));
  };

  return {
    async run<N extends HookName>(on: N, payload: HookPayloads[N], signal: AbortSignal): Promise<HookOutcome<N>> {
      let current = payload;
      for (const hook of of(on)) {
        if (hook.agents !== undefined && !hook.agents.includes(current.agent)) continue;
        let verdict: HookVerdict<unknown>;
        try {
          verdict = await ask(hook, current, signal);
        } catch (thrown) {
          signal.throwIfAborted();
          const error = toAppError(thrown);
          metrics.count("nexo_hook_total", { hook: on, result: "failed" });
          log.warn("hook.failed", { hook: hook.id, on, error: error.message, onFailure: hook.onFailure });
          if (hook.onFailure === "open") continue;
          return { vetoed: `the check ${hook.id} did not answer`, by: hook.id };
        }
        if (verdict === undefined) {
          metrics.count("nexo_hook_total", { hook: on, result: "passed" });
        } else if ("veto" in verdict) {
          metrics.count("nexo_hook_total", { hook: on, result: "vetoed" });
          log.info("hook.vetoed", { hook: hook.id, on, agent: current.agent });
          return { vetoed: verdict.veto, by: hook.id };
        } else {
          metrics.count("nexo_hook_total", { hook: on, result: "changed" });
          current = { ...current, ...verdict.change };
        }
      }
      return { payload: current };
    },
  };
}

/** Authors without types give back anything; `null` says as little as `undefined`. */
function readVerdict(given: unknown): HookVerdict<unknown> {
  if (given === undefined || given === null) return undefined;
  if (typeof given === "object" && "veto" in given && typeof given.veto === "string") return { veto: given.veto };
  if (typeof given === "object" && "change" in given && typeof given.change === "object") {
    return { change: given.change ?? {} };
  }
  throw new AppError(
    "invalid",
    "What it gave back is no verdict: { veto } with words, { change } with an object, or nothing",
  );
}

function sortByName(list: readonly AnyHook[]): ReadonlyMap<HookName, readonly AnyHook[]> {
  const byName = new Map<HookName, AnyHook[]>();
  for (const hook of list.toSorted((one, other) => (one.priority ?? 0) - (other.priority ?? 0))) {
    const hooks = byName.get(hook.on);
    if (hooks === undefined) byName.set(hook.on, [hook]);
    else hooks.push(hook);
  }
  return byName;
}
