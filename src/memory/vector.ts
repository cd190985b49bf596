import { AppError } from "../core/error.ts";

/** The signs of a vector's numbers, a bit each, as `vec_quantize_binary` of sqlite-vec has them. */
export function toCode(vector: Float32Array): Uint8Array {
  const code = new Uint8Array(Math.ceil(vector.length / 8));
  for (const [index, number] of vector.entries()) {
    if (number > 0) code[index >> 3] = (code[index >> 3] ?? 0) | 1 << (index & 7);
  }
  return code;
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
