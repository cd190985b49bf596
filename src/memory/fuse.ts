/** Where a fact stands apart from the question. */
export interface Standing {
  /** From 0 to 1. */
  readonly importance: number;
  readonly ageMs: number;
}

/** The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009). */
const rankOffset = 60;
/** Weak terms: together less than the step from first to tenth place. */
const importanceWeight = 0.001;
const recencyWeight = 0.0005;
/** An age at which half of the bonus for being new is left, milliseconds. */
const halfLifeMs = 90 * 86_400_000;

/** Fuses rankings of rows to one, best first. Rows without a standing are left out. */
export function fuse(
  rankings: readonly (readonly number[])[],
  standingOf: (row: number) => Standing | undefined,
): number[] {
  const scores = new Map<number, number>();
  for (const ranking of rankings) {
    for (const [index, row] of ranking.entries()) {
      scores.set(row, (scores.get(row) ?? 0) + 1 / (rankOffset + index + 1));
    }
  }
  const scored: [row: number, score: number][] = [];
  for (const [row, score] of scores) {
    const standing = standingOf(row);
    if (standing === undefined) continue;
    const { importance, ageMs } = standing;
    scored.push([row, score + importanceWeight * importance + recencyWeight * 2 ** (-ageMs / halfLifeMs)]);
  }
  return scored.sort(([oneRow, one], [otherRow, other]) => other - one || otherRow - oneRow).map(([row]) => row);
}
