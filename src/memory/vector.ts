import { AppError } from "../core/error.ts";

/**
 * The signs of a vector's numbers after a fixed rotation, a bit each: the angle between two vectors shows in how many
 * bits differ. Without the rotation the many zeros of sparse vectors would say nothing. The rotation is two
 * Walsh-Hadamard transforms over the next power of two, each after changing the signs of numbers as if by chance.
 */
export function toCode(vector: Float32Array): Uint8Array {
  const turned = new Float32Array(2 ** Math.ceil(Math.log2(Math.max(8, vector.length))));
  turned.set(vector);
  for (const round of [1, 2]) {
    for (let index = 0; index < turned.length; index++) {
      if (isFlipped(index, round)) turned[index] = -(turned[index] ?? 0);
    }
    transform(turned);
  }
  const code = new Uint8Array(turned.length / 8);
  for (let index = 0; index < turned.length; index++) {
    if ((turned[index] ?? 0) > 0) code[index >> 3] = (code[index >> 3] ?? 0) | 1 << (index & 7);
  }
  return code;
}

/** The same for ever: codes on disk depend on it. */
function isFlipped(index: number, round: number): boolean {
  let hash = Math.imul(index * 2 + round, 0x9e3779b1);
  hash = Math.imul(hash ^ hash >>> 15, 0x85ebca6b);
  return ((hash ^ hash >>> 13) & 1) === 1;
}

/** The fast Walsh-Hadamard transform, in place, without its scale. */
function transform(numbers: Float32Array): void {
  for (let half = 1; half < numbers.length; half *= 2) {
    for (let start = 0; start < numbers.length; start += 2 * half) {
      for (let index = start; index < start + half; index++) {
        const one = numbers[index] ?? 0;
        const other = numbers[index + half] ?? 0;
        numbers[index] = one + other;
        numbers[index + half] = one - other;
      }
    }
  }
}

/** The longest vectors that a model makes today are 4,096 numbers long. */
const maxLength = 8_192;

/**
 * A vector of length 1 in the same direction.
 *
 * @param embedder Stands in the error.
 * @throws {AppError} `invalid` with reason `bad_vector` for a vector without numbers, with NaN or infinity, or of length 0.
 */
export function toUnit(vector: Float32Array, embedder: string): Float32Array {
  const refuse = (what: string) =>
    new AppError("invalid", `The embedder ${embedder} made a vector ${what}. Check its model in memory.yaml`, {
      reason: "bad_vector",
    });
  if (vector.length === 0) throw refuse("without numbers");
  if (vector.length > maxLength) throw refuse(`of ${vector.length} numbers, more than ${maxLength}`);
  let sum = 0;
  for (const number of vector) sum += number * number;
  if (!Number.isFinite(sum)) throw refuse("with numbers that are none");
  if (sum === 0) throw refuse("of length 0");
  const scale = 1 / Math.sqrt(sum);
  return vector.map((number) => number * scale);
}
