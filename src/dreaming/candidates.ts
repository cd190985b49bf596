import type { DreamPlan } from "../core/dream.ts";
import type { Fact, Memory } from "../core/memory.ts";

/** From when on something is worth a dream. */
export interface DreamRules {
  /** A fact recalled so often is promoted. */
  readonly promoteAfter: number;
  /** Whether facts told in private are promoted too. */
  readonly promotesAll: boolean;
  /** A fact that nobody asked for so long fades, milliseconds. */
  readonly fadeAfterMs: number;
}

/** What one dream promotes and lets fade at most, so that a person can read what it did. */
const promotedBound = 20;
const fadedBound = 50;
const pageSize = 500;
/** Facts that one dream looks at. */
const factBound = 100_000;
/** Facts that somebody called this important do not fade. */
const keptImportance = 0.9;
/** What is below has no say in a recall any more. */
const leastImportance = 0.1;

/** Finds what was recalled often, and what nobody asked for. Nothing is changed. */
export async function findCandidates(
  memory: Memory,
  agent: string,
  { rules, promoted, nowMs }: {
    readonly rules: DreamRules;
    /** Ids of facts that were promoted before. */
    readonly promoted: ReadonlySet<string>;
    readonly nowMs: number;
  },
  signal: AbortSignal,
): Promise<Pick<DreamPlan, "promoted" | "faded">> {
  const often: Fact[] = [];
  const stale: Fact[] = [];
  let after: string | undefined;
  for (let looked = 0; looked < factBound; looked += pageSize) {
    const page = await memory.list(agent, { limit: pageSize, after }, { kind: "operator" }, signal);
    for (const fact of page.facts) {
      const isOpen = fact.audience === "everyone" || rules.promotesAll;
      if (isOpen && fact.recallCount >= rules.promoteAfter && !promoted.has(fact.id)) often.push(fact);
      else if (isStale(fact, rules, nowMs)) stale.push(fact);
    }
    after = page.next;
    if (after === undefined) break;
  }
  return {
    promoted: often.toSorted((one, other) => other.recallCount - one.recallCount).slice(0, promotedBound)
      .map(({ id, text, recallCount }) => ({ id, text, recallCount })),
    faded: stale.toSorted((one, other) => lastUseOf(one) - lastUseOf(other)).slice(0, fadedBound).map((fact) => ({
      id: fact.id,
      before: fact.importance,
      after: fact.importance / 2 < leastImportance ? 0 : fact.importance / 2,
      ...(fact.audience === "everyone" ? { text: fact.text } : {}),
    })),
  };
}

function isStale(fact: Fact, { promoteAfter, fadeAfterMs }: DreamRules, nowMs: number): boolean {
  return fact.importance > 0 && fact.importance < keptImportance && fact.recallCount < promoteAfter &&
    nowMs - lastUseOf(fact) > fadeAfterMs;
}

function lastUseOf({ lastUsedAtMs, createdAtMs }: Fact): number {
  return Math.max(lastUsedAtMs ?? 0, createdAtMs);
}
