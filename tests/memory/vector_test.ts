import assert from "node:assert/strict";
import { rejectsWith } from "../fixtures/rejects_with.ts";
import { toCode, toUnit } from "../../src/memory/vector.ts";
import { readWordVectors, writeWordVectors } from "../../src/memory/word_vectors.ts";

Deno.test("the nearer two vectors are the fewer bits of their codes differ, also where most numbers are zero", () => {
  const sparse = (...places: number[]) => {
    const vector = new Float32Array(384);
    for (const place of places) vector[place] = 1;
    return toCode(vector);
  };
  const distance = (one: Uint8Array, other: Uint8Array) =>
    one.reduce((sum, byte, at) => sum + (byte ^ (other[at] ?? 0)).toString(2).replaceAll("0", "").length, 0);
  const code = sparse(1, 50, 100, 200);
  assert.equal(code.length, 64);
  assert.equal(distance(code, sparse(1, 50, 100, 200)), 0);
  const near = distance(code, sparse(1, 50, 100, 201));
  const far = distance(code, sparse(2, 51, 101, 202));
  assert.ok(near > 0 && near < far - 50, `${near} and ${far}`);
});

Deno.test("codes stay what they are: those on disk were made by an earlier release", () => {
  assert.equal(toCode(Float32Array.of(1, -2, 3, 0, 0.5, 0, 0, 1)).toHex(), "29");
});

Deno.test("only vectors with a direction become unit vectors", async () => {
  assert.deepEqual([...toUnit(Float32Array.of(3, 4), "e")], [...Float32Array.of(0.6, 0.8)]);
  for (const numbers of [[], [0, 0], [NaN, 1], [Infinity, 1], [1e38, 1e38]]) {
    const work = Promise.resolve().then(() => toUnit(Float32Array.from(numbers), "e"));
    const error = numbers[0] === 1e38 ? undefined : await rejectsWith("invalid", work);
    if (error !== undefined) assert.equal(error.reason, "bad_vector");
    else assert.ok(Math.abs(Math.hypot(...await work) - 1) < 1e-6);
  }
});

Deno.test("words keep the signs of their large numbers", () => {
  const vectors = new Map([["cat", Float32Array.of(1, -1, 0.1)], ["año", Float32Array.of(-1, -0.1, 1)]]);
  const words = readWordVectors(writeWordVectors(vectors));
  const sum = new Float32Array(words.dimension);
  for (const word of ["cat", "año", "unknown"]) words.addTo(sum, word);
  assert.deepEqual([...sum], [0, -1, 1]);
});
