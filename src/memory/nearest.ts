/** Candidates that each way of finding hands to the fusion. */
export const candidates = 60;

/**
 * Nearest codes whose vectors are then compared exactly. Up to so many facts the search by meaning is exact; beyond,
 * the codes choose. docs/memory.md has the measurement.
 */
export const rescored = 512;

/**
 * The rows whose vectors are nearest to a question's, nearest first: first all codes by Hamming distance, then the
 * vectors of the best by their angle. Values: the question's vector, those of `where`, the question's code.
 *
 * @param where What a row of `codes f` must meet; a constant of the code, without values of a question.
 */
export function toNearestSql(where: string, coarse = rescored, fine = candidates): string {
  return `SELECT v.row, vec_distance_cosine(v.vector, ?) AS distance FROM (
      SELECT f.row FROM codes f WHERE ${where} ORDER BY vec_distance_hamming(vec_bit(f.code), vec_bit(?)) LIMIT ${coarse}
    ) near JOIN vectors v ON v.row = near.row ORDER BY distance LIMIT ${fine}`;
}
