/** Meanings of words as vectors. */
export interface WordVectors {
  readonly dimension: number;
  /** Adds the vector of a folded word to `sum`, where the word is known. */
  addTo(sum: Float32Array, word: string): void;
}

/** Head of the file: number of words, length of a vector, bytes of the words; each 32 bits, little-endian. */
const headBytes = 12;
/** A number is kept as -1, 0 or 1, in two bits: one of less than so many standard deviations is 0. */
const threshold = 0.6;

/** The words' text, one a line, and their numbers, four a byte. Sorted, so that the file packs well. */
export function writeWordVectors(vectors: ReadonlyMap<string, Float32Array>): Uint8Array {
  const words = [...vectors.keys()].sort();
  const text = new TextEncoder().encode(words.join("\n"));
  const dimension = vectors.get(words[0] ?? "")?.length ?? 0;
  const numbers = words.flatMap((word) => [...vectors.get(word) ?? []]);
  const bytes = new Uint8Array(headBytes + text.length + Math.ceil(numbers.length / 4));
  const view = new DataView(bytes.buffer);
  for (const [index, number] of [vectors.size, dimension, text.length].entries()) {
    view.setUint32(4 * index, number, true);
  }
  bytes.set(text, headBytes);
  const deviation = Math.sqrt(numbers.reduce((sum, number) => sum + number * number, 0) / numbers.length);
  for (const [index, number] of numbers.entries()) {
    const kept = number > threshold * deviation ? 2 : number < -threshold * deviation ? 0 : 1;
    const at = headBytes + text.length + (index >> 2);
    bytes[at] = (bytes[at] ?? 0) | kept << 2 * (index & 3);
  }
  return bytes;
}

/** Reads what {@linkcode writeWordVectors} wrote. The numbers are looked up where they lie. */
export function readWordVectors(bytes: Uint8Array): WordVectors {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const dimension = view.getUint32(4, true);
  const numbersAt = headBytes + view.getUint32(8, true);
  const words = new TextDecoder().decode(bytes.subarray(headBytes, numbersAt)).split("\n");
  const places = new Map(words.map((word, index) => [word, index * dimension]));
  return {
    dimension,
    addTo(sum, word) {
      const place = places.get(word);
      if (place === undefined) return;
      for (let offset = 0; offset < dimension; offset++) {
        const index = place + offset;
        const kept = (bytes[numbersAt + (index >> 2)] ?? 0) >> 2 * (index & 3) & 3;
        sum[offset] = (sum[offset] ?? 0) + kept - 1;
      }
    },
  };
}
