/** Meanings of words as vectors. */
export interface WordVectors {
  readonly dimension: number;
  /** Adds the vector of a folded word to `sum`, where the word is known. */
  addTo(sum: Float32Array, word: string): void;
}

/** Head of the file: number of words, length of a vector, bytes of the words; each 32 bits, little-endian. */
const headBytes = 12;

/** The words' text, one a line, and their numbers as a byte each. */
export function writeWordVectors(vectors: ReadonlyMap<string, Float32Array>): Uint8Array {
  const text = new TextEncoder().encode([...vectors.keys()].join("\n"));
  const dimension = [...vectors.values()][0]?.length ?? 0;
  const bytes = new Uint8Array(headBytes + text.length + vectors.size * dimension);
  const view = new DataView(bytes.buffer);
  for (const [index, number] of [vectors.size, dimension, text.length].entries()) {
    view.setUint32(4 * index, number, true);
  }
  bytes.set(text, headBytes);
  const largest = Math.max(...[...vectors.values()].map((vector) => Math.max(...vector.map(Math.abs))));
  let at = headBytes + text.length;
  for (const vector of vectors.values()) {
    for (const number of vector) view.setInt8(at++, Math.round(127 * number / largest));
  }
  return bytes;
}

/** Reads what {@linkcode writeWordVectors} wrote. The numbers are looked up where they lie. */
export function readWordVectors(bytes: Uint8Array): WordVectors {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const dimension = view.getUint32(4, true);
  const numbersAt = headBytes + view.getUint32(8, true);
  const words = new TextDecoder().decode(bytes.subarray(headBytes, numbersAt)).split("\n");
  const indexes = new Map(words.map((word, index) => [word, index]));
  return {
    dimension,
    addTo(sum, word) {
      const index = indexes.get(word);
      if (index === undefined) return;
      const at = numbersAt + index * dimension;
      for (let offset = 0; offset < dimension; offset++) {
        sum[offset] = (sum[offset] ?? 0) + view.getInt8(at + offset);
      }
    },
  };
}
