/** Candidates that each way of finding hands to the fusion. */
export const candidates = 40;

/**
 * Nearest codes whose vectors are then compared exactly, in a file of `facts`. Up to so many facts the search by meaning
 * is exact; beyond, the codes choose. docs/performance.md has the measurement.
 */
export function toRescored(facts: number): number {
  return facts <= 20_000 ? 192 : 448;
}

/**
 * The rows whose vectors are nearest to a question's, nearest first: first all codes by Hamming distance, then the
 * vectors of the best by their angle. Values: the question's vector, those of `where`, the question's code.
 *
 * @param coarse How many the codes choose.
 * @param where What a row of `codes f` must meet; a constant of the code, without values of a question.
 */
export function toNearestSql(where: string, coarse: number, fine = candidates): string {
  return `SELECT v.row, vec_distance_cosine(v.vector, ?) AS distance FROM (
      SELECT f.row FROM codes f WHERE ${where} ORDER BY vec_distance_hamming(vec_bit(f.code), vec_bit(?)) LIMIT ${coarse}
    ) near JOIN vectors v ON v.row = near.row ORDER BY distance LIMIT ${fine}`;
}
